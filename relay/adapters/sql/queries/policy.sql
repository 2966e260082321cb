-- name: last_policy_version^
-- The newest version of the policy.
SELECT * FROM policy_versions ORDER BY number DESC LIMIT 1;

-- name: policy_version^
-- One version of the policy.
SELECT * FROM policy_versions WHERE number = :number;

-- name: policy_versions
-- Every version of the policy, oldest first.
SELECT * FROM policy_versions ORDER BY number;

-- name: add_policy_version!
-- Write a new version of the policy; fails when the number is taken.
INSERT INTO policy_versions (number, policy, at, who, why, note, place, text, preset, expanded, record, salt, statement)
VALUES (:number, :policy, :at, :who, :why, :note, :place, :text, :preset, :expanded, :record, :salt, :statement);

-- name: ask_reload<!
-- Ask the running relay to read its configuration again.
INSERT INTO reloads (asked_at, who, why, note, digest) VALUES (:asked_at, :who, :why, :note, :digest) RETURNING id;

-- name: open_reloads
-- Questions without an answer, oldest first.
SELECT * FROM reloads WHERE answered_at IS NULL ORDER BY id;

-- name: answer_reload!
-- Write what came of a question.
UPDATE reloads SET answered_at = :at, answer = :answer WHERE id = :id;

-- name: reload_answer$
-- What came of a question; NULL as long as nothing did.
SELECT answer FROM reloads WHERE id = :id;

-- name: last_answered_reload$
-- The newest question that has an answer.
SELECT coalesce(max(id), 0) FROM reloads WHERE answered_at IS NOT NULL;

-- name: withdraw_reload!
-- Forget a question that nobody waits for any more.
DELETE FROM reloads WHERE id = :id AND answered_at IS NULL;

-- name: forget_reloads!
-- Forget all questions but the newest ones.
DELETE FROM reloads WHERE id <= (SELECT max(id) FROM reloads) - :keep;
