-- name: add_hooked_post!
-- Write a post to be checked, unless this version of it is known.
INSERT INTO hooked_posts (sender, key, post, received_at, due_at, state)
VALUES (:sender, :key, :post, :at, :at, 'waiting') ON CONFLICT DO NOTHING;

-- name: due_hooked_posts
-- Posts that are due, oldest first.
SELECT * FROM hooked_posts WHERE state = 'waiting' AND due_at <= :now ORDER BY due_at, id LIMIT :most;

-- name: claim_hooked_posts*!
-- Take a post: it falls due again when nobody finishes it.
UPDATE hooked_posts SET due_at = :until, attempts = attempts + 1 WHERE id = :id AND state = 'waiting';

-- name: next_hooked_post$
-- When the next post falls due.
SELECT min(due_at) FROM hooked_posts WHERE state = 'waiting';

-- name: waiting_hooked_posts$
-- How many posts wait.
SELECT count(*) FROM hooked_posts WHERE state = 'waiting';

-- name: delay_hooked_post!
-- Look at a post again at a time.
UPDATE hooked_posts SET due_at = :due_at WHERE id = :id AND state = 'waiting';

-- name: settle_hooked_post!
-- A post was checked: only its key stays.
UPDATE hooked_posts SET state = :state, post = '', due_at = :at WHERE id = :id AND state = 'waiting';

-- name: add_hook_finding!
-- Note what was found in a post, unless it is on record.
INSERT INTO hook_findings (key, sender, object_id, actor, visibility, items, verb, rule, reason, first_at, last_at, times,
  flag)
VALUES (:key, :sender, :object_id, :actor, :visibility, :items, :verb, :rule, :reason, :at, :at, 1, :flag)
ON CONFLICT DO NOTHING;

-- name: repeat_hook_finding!
-- The same was found in the same post again, also when somebody has dealt with it.
UPDATE hook_findings SET last_at = :at, times = times + 1, verb = :verb, rule = :rule, reason = :reason WHERE key = :key;

-- name: hook_finding_known$
-- Whether a finding is on record.
SELECT 1 FROM hook_findings WHERE key = :key;

-- name: hook_finding_by_id^
-- One finding.
SELECT * FROM hook_findings WHERE id = :id;

-- name: hook_findings_in_state
-- The newest findings, open or closed.
SELECT * FROM hook_findings WHERE (closed_at IS NULL) = :is_open ORDER BY last_at DESC, id DESC LIMIT :most;

-- name: open_hook_findings$
-- How many findings nobody has dealt with.
SELECT count(*) FROM hook_findings WHERE closed_at IS NULL;

-- name: close_hook_finding!
-- Somebody has dealt with a finding.
UPDATE hook_findings SET closed_at = :at, closed_by = :who, note = :note WHERE id = :id AND closed_at IS NULL;

-- name: count_hooks*!
-- Add to a count.
INSERT INTO hook_counts (sender, what, number, last_at) VALUES (:sender, :what, :number, :at)
ON CONFLICT (sender, what) DO UPDATE SET number = hook_counts.number + excluded.number, last_at = excluded.last_at;

-- name: hook_counts
-- Every count.
SELECT * FROM hook_counts ORDER BY sender, what;

-- name: forget_hooked_posts!
-- Forget posts that were checked and cannot come again.
DELETE FROM hooked_posts WHERE received_at < :before AND state <> 'waiting';

-- name: forget_hook_findings!
-- Forget findings that were closed long ago and did not come up again.
DELETE FROM hook_findings WHERE closed_at IS NOT NULL AND closed_at < :before AND last_at < :before;
