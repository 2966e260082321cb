-- name: drop_shares!
-- Forget how it was parted before.
DELETE FROM shares;

-- name: add_shares*!
-- A share in which everybody stands where all stood together.
INSERT INTO shares (share, owner, watermark)
VALUES (:share, NULL, coalesce((SELECT value FROM marks WHERE name = 'watermark'), 0));

-- name: all_shares
-- Every share.
SELECT share, owner, watermark FROM shares;

-- name: take_shares!
-- Shares get another owner.
UPDATE shares SET owner = :owner WHERE share IN (SELECT CAST(value AS INTEGER) FROM json_each(:shares));

-- name: release_shares!
-- Shares are given back by their owner.
UPDATE shares SET owner = NULL
WHERE owner = :owner AND share IN (SELECT CAST(value AS INTEGER) FROM json_each(:shares));

-- name: count_shares$
-- How many of these shares somebody holds.
SELECT count(*) FROM shares WHERE owner = :owner AND share IN (SELECT CAST(value AS INTEGER) FROM json_each(:shares));

-- name: move_shares!
-- Everybody in these shares without a cursor of its own has come so far; no row for a share that is another's by now.
UPDATE shares SET watermark = :watermark
WHERE owner = :owner AND share IN (SELECT CAST(value AS INTEGER) FROM json_each(:shares));

-- name: follow_shares!
-- Where all stood together follows the share that has come least far: a version that knows no shares goes on from there.
INSERT INTO marks (name, value) SELECT 'watermark', min(watermark) FROM shares WHERE true
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
