-- name: add_hash_submission<!
-- Write a new submission of hashes.
INSERT INTO hash_submissions (secret, about, list, state, received_at, changed_at)
VALUES (:secret, :about, :list, 'received', :at, :at) RETURNING id;

-- name: hash_submission^
-- One submission of hashes, with how many are kept of it.
SELECT hash_submissions.*,
  (SELECT CAST(coalesce(sum(hashes), 0) AS BIGINT) FROM hash_submission_parts WHERE submission = id) AS hashes
FROM hash_submissions WHERE id = :id;

-- name: hash_submission_of$
-- The number of the submission with a secret.
SELECT id FROM hash_submissions WHERE secret = :secret;

-- name: hash_submissions_in
-- Submissions of hashes in a state, or in any, newest first.
SELECT hash_submissions.*,
  (SELECT CAST(coalesce(sum(hashes), 0) AS BIGINT) FROM hash_submission_parts WHERE submission = id) AS hashes
FROM hash_submissions WHERE (state = :state OR :state IS NULL) ORDER BY id DESC LIMIT :most;

-- name: hash_submissions_counted$
-- How many submissions of hashes are in a state.
SELECT count(*) FROM hash_submissions WHERE state = :state;

-- name: hash_submission_parts
-- What came of a submission, in order.
SELECT place, hashes, batch, accepted FROM hash_submission_parts WHERE submission = :id ORDER BY place;

-- name: hash_submission_content$
-- The hashes of one part of a submission.
SELECT content FROM hash_submission_parts WHERE submission = :id AND place = :place;

-- name: add_hash_submission_part!
-- Write hashes that came together.
INSERT INTO hash_submission_parts (submission, place, hashes, content, batch, accepted)
VALUES (:id, (SELECT coalesce(max(place) + 1, 0) FROM hash_submission_parts WHERE submission = :id), :hashes, :content,
  :batch, 0);

-- name: accept_hash_submission_part!
-- The operator accepted what came together; it is in force by another batch.
UPDATE hash_submission_parts SET accepted = 1, batch = :batch WHERE submission = :id AND place = :place;

-- name: change_hash_submission!
-- Write what became of a submission.
UPDATE hash_submissions SET state = :state, changed_at = :at, who = :who, note = :note WHERE id = :id;

-- name: drop_hash_submission_parts!
-- Delete the hashes of a submission.
DELETE FROM hash_submission_parts WHERE submission = :id;

-- name: hashes_submitted$
-- How many hashes are kept of all submissions.
SELECT CAST(coalesce(sum(hashes), 0) AS BIGINT) FROM hash_submission_parts;

-- name: forget_hash_submissions!
-- Forget submissions that were refused or withdrawn before a time.
DELETE FROM hash_submissions WHERE state IN ('refused', 'withdrawn') AND changed_at < :before;
