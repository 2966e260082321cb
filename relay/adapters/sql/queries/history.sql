-- name: keep_history*!
-- Keep the newest decision of the policy about an activity, in place of an older one.
INSERT INTO history (seq, object_id, actor, server, kind, received_at, decided_at, verb, enforced, rule, reason, policy, facts)
VALUES (:seq, :object_id, :actor, :server, :kind, :received_at, :decided_at, :verb, :enforced, :rule, :reason, :policy, :facts)
ON CONFLICT (seq) DO UPDATE SET object_id = excluded.object_id, actor = excluded.actor, decided_at = excluded.decided_at,
  verb = excluded.verb, enforced = excluded.enforced, rule = excluded.rule, reason = excluded.reason,
  policy = excluded.policy, facts = excluded.facts;

-- name: history_span^
-- How many decisions there are about what came in a stretch of time, and between which numbers; from the index alone.
SELECT count(*) AS n, min(seq) AS first, max(seq) AS last FROM history WHERE received_at >= :since AND received_at <= :until;

-- name: history_begin$
-- When the oldest came of which there is a decision.
SELECT min(received_at) FROM history;

-- name: history_stretch
-- Decisions by number, newest first; the plus keeps SQLite from going by time and sorting afterwards.
SELECT * FROM history WHERE seq <= :last AND seq >= :first AND +received_at >= :since AND +received_at <= :until
ORDER BY seq DESC LIMIT :most;

-- name: history_verbs
-- What was decided about what came in a stretch of time, and how much of it was acted on; from the index alone.
SELECT verb, enforced, count(*) AS n, min(received_at) AS since FROM history
WHERE received_at >= :since AND received_at <= :until GROUP BY verb, enforced;

-- name: forget_history!
-- Forget decisions about what came before a time, the oldest first, some at once.
DELETE FROM history WHERE seq IN
  (SELECT seq FROM history WHERE received_at < :before ORDER BY received_at LIMIT :most);

-- name: trim_history!
-- Forget decisions about all but the newest activities, the oldest first, some at once.
DELETE FROM history WHERE seq IN
  (SELECT seq FROM history WHERE seq <= (SELECT max(seq) FROM history) - :rows ORDER BY seq LIMIT :most);

-- name: withdraw_history!
-- The object was deleted by its own server: what is known about it is not kept any longer.
DELETE FROM history WHERE object_id = :object_id;

-- name: withdraw_history_of!
-- The same for everything of an actor that deleted itself.
DELETE FROM history WHERE actor = :actor;
