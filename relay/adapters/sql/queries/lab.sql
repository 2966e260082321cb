-- name: add_lab_inbox!
-- Write a temporary inbox.
INSERT INTO lab_inboxes (token, private_pem, public_pem, created_at, expires_at)
VALUES (:token, :private_pem, :public_pem, :created_at, :expires_at);

-- name: lab_inbox^
-- A temporary inbox that has not ended.
SELECT * FROM lab_inboxes WHERE token = :token AND expires_at > :now;

-- name: remove_lab_inbox!
-- Forget a temporary inbox.
DELETE FROM lab_inboxes WHERE token = :token;

-- name: remove_lab_deliveries!
-- Forget what came to a temporary inbox.
DELETE FROM lab_deliveries WHERE token = :token;

-- name: lab_inbox_count$
-- How many temporary inboxes there are.
SELECT count(*) FROM lab_inboxes WHERE expires_at > :now;

-- name: lab_delivery_bytes$
-- How many bytes came to temporary inboxes.
SELECT coalesce(sum(length(body) + length(headers)), 0) FROM lab_deliveries;

-- name: add_lab_delivery!
-- Write a delivery while there is room in its inbox.
INSERT INTO lab_deliveries (token, at, target, headers, body)
SELECT :token, :at, :target, :headers, :body
WHERE (SELECT count(*) FROM lab_deliveries WHERE token = :token) < :most;

-- name: count_lab_drop!
-- A delivery found no room.
UPDATE lab_inboxes SET dropped = dropped + 1 WHERE token = :token;

-- name: lab_deliveries_of
-- What came to a temporary inbox.
SELECT * FROM lab_deliveries WHERE token = :token ORDER BY id;

-- name: unseen_lab_deliveries
-- Deliveries that nobody looked at yet.
SELECT * FROM lab_deliveries WHERE seen IS NULL ORDER BY id LIMIT :most;

-- name: settle_lab_delivery!
-- Write what was found out about a delivery.
UPDATE lab_deliveries SET seen = :seen WHERE id = :id;

-- name: add_lab_report!
-- Write a report.
INSERT INTO lab_reports (token, document, seen_here, listed, created_at, expires_at, role, target, grade)
VALUES (:token, :document, :seen_here, :listed, :created_at, :expires_at, :role, :target, :grade);

-- name: lab_report^
-- A report that has not ended.
SELECT * FROM lab_reports WHERE token = :token AND expires_at > :now;

-- name: lab_report_count$
-- How many reports there are.
SELECT count(*) FROM lab_reports WHERE expires_at > :now;

-- name: listed_lab_reports
-- The newest reports that are shown to everybody.
SELECT * FROM lab_reports WHERE listed AND expires_at > :now ORDER BY created_at DESC, token LIMIT :most;

-- name: forget_lab_reports!
-- Forget reports that have ended.
DELETE FROM lab_reports WHERE expires_at <= :now;

-- name: forget_lab_inboxes!
-- Forget temporary inboxes that have ended.
DELETE FROM lab_inboxes WHERE expires_at <= :now;

-- name: forget_lab_deliveries!
-- Forget what came to inboxes that are gone.
DELETE FROM lab_deliveries WHERE token NOT IN (SELECT token FROM lab_inboxes);
