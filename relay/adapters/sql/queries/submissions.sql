-- name: submission_by_id^
-- One submission.
SELECT * FROM submissions WHERE id = :id;

-- name: submission_of^
-- The submission of a server about a file that has no answer yet.
SELECT * FROM submissions WHERE server = :server AND key = :key
  AND (state = 'waiting' OR (state = 'unattested' AND shown_at > :now))
ORDER BY received_at DESC LIMIT 1;

-- name: add_submission!
-- Write a submission.
INSERT INTO submissions (id, server, actor, key, digest, url, received_at, due_at, wait, state, reason, shown_at)
VALUES (:id, :server, :actor, :key, :digest, :url, :received_at, :due_at, :wait, :state, :reason, :shown_at);

-- name: due_submissions
-- Submissions that are due, oldest first. A file that was sent is in the memory of one process (`held` is a JSON array of
-- ids): others leave it to that one until a while after its answer was due.
SELECT * FROM submissions WHERE state = 'waiting' AND due_at <= :now
  AND (url IS NOT NULL OR received_at + wait < :now - :grace OR id IN (SELECT value FROM json_each(:held)))
ORDER BY due_at, received_at LIMIT :most;

-- name: claim_submission!
-- Take a submission: it falls due again when nobody finishes it.
UPDATE submissions SET due_at = :until, attempts = attempts + 1 WHERE id = :id AND state = 'waiting';

-- name: next_submission$
-- When the next submission falls due.
SELECT min(due_at) FROM submissions WHERE state = 'waiting';

-- name: delay_submission!
-- Look at a submission again at a time.
UPDATE submissions SET due_at = :due_at, digest = :digest WHERE id = :id AND state = 'waiting';

-- name: hurry_submission!
-- Look at a submission no later than at a time: its bytes are there again.
UPDATE submissions SET due_at = CASE WHEN due_at < :due_at THEN due_at ELSE :due_at END WHERE id = :id AND state = 'waiting';

-- name: settle_submission!
-- Write the answer to a submission.
UPDATE submissions SET state = :state, reason = :reason, shown_at = :shown_at, digest = coalesce(:digest, digest)
WHERE id = :id AND state = 'waiting';

-- name: unanswered_submissions^
-- How many submissions have no answer yet: of everybody, and of one server.
SELECT count(*) AS everybody, count(CASE WHEN server = :server THEN 1 END) AS own FROM submissions
WHERE state = 'waiting' OR (state = 'unattested' AND shown_at > :now);

-- name: forget_submissions!
-- Forget submissions whose answer could be had for long enough.
DELETE FROM submissions WHERE received_at < :before AND state <> 'waiting' AND coalesce(shown_at, 0) < :before;

-- name: note_finding!
-- Note that a submitted file is on a list; one that came before is counted, also when it was dealt with.
INSERT INTO findings (server, actor, digest, outcome, matches, rule, reason, first_at, last_at, times)
VALUES (:server, :actor, :digest, :outcome, :matches, :rule, :reason, :at, :at, 1)
ON CONFLICT (server, digest) DO UPDATE SET actor = excluded.actor, outcome = excluded.outcome,
  matches = excluded.matches, rule = excluded.rule, reason = excluded.reason, last_at = excluded.last_at,
  times = findings.times + 1;

-- name: finding_by_id^
-- One finding.
SELECT * FROM findings WHERE id = :id;

-- name: findings_in_state
-- The newest findings, open or closed.
SELECT * FROM findings WHERE (closed_at IS NULL) = :is_open ORDER BY last_at DESC, id DESC LIMIT :most;

-- name: close_finding!
-- Somebody has dealt with a finding.
UPDATE findings SET closed_at = :at, closed_by = :who, note = :note WHERE id = :id AND closed_at IS NULL;

-- name: forget_findings!
-- Forget findings that were closed long ago and did not come up again.
DELETE FROM findings WHERE closed_at IS NOT NULL AND closed_at < :before AND last_at < :before;
