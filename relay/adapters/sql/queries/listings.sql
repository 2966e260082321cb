-- name: hold_groups_by_reason
-- Open holds by reason, the largest groups first.
SELECT h.reason AS name, count(*) AS n FROM holds h JOIN activities a ON a.seq = h.seq
WHERE h.state = 'open' AND (h.reason = :reason OR :reason IS NULL) AND (h.rule = :rule OR :rule IS NULL)
  AND (a.server = :server OR :server IS NULL)
  AND (h.seq IN (SELECT seq FROM braked WHERE brake = :brake) OR :brake IS NULL)
GROUP BY h.reason ORDER BY n DESC, name LIMIT 20;

-- name: hold_groups_by_rule
-- Open holds by rule, the largest groups first.
SELECT h.rule AS name, count(*) AS n FROM holds h JOIN activities a ON a.seq = h.seq
WHERE h.state = 'open' AND (h.reason = :reason OR :reason IS NULL) AND (h.rule = :rule OR :rule IS NULL)
  AND (a.server = :server OR :server IS NULL)
  AND (h.seq IN (SELECT seq FROM braked WHERE brake = :brake) OR :brake IS NULL)
GROUP BY h.rule ORDER BY n DESC, name LIMIT 20;

-- name: hold_groups_by_server
-- Open holds by the server that sent them, the largest groups first.
SELECT a.server AS name, count(*) AS n FROM holds h JOIN activities a ON a.seq = h.seq
WHERE h.state = 'open' AND (h.reason = :reason OR :reason IS NULL) AND (h.rule = :rule OR :rule IS NULL)
  AND (a.server = :server OR :server IS NULL)
  AND (h.seq IN (SELECT seq FROM braked WHERE brake = :brake) OR :brake IS NULL)
GROUP BY a.server ORDER BY n DESC, name LIMIT 20;

-- name: narrowed_holds
-- Open holds, newest first, with what they hold.
SELECT h.*, a.activity_id, a.kind, a.actor, a.server, a.object_id, a.body, a.received_at, a.proven, a.forward_until
FROM holds h JOIN activities a ON a.seq = h.seq
WHERE h.state = 'open' AND (h.reason = :reason OR :reason IS NULL) AND (h.rule = :rule OR :rule IS NULL)
  AND (a.server = :server OR :server IS NULL)
  AND (h.seq IN (SELECT seq FROM braked WHERE brake = :brake) OR :brake IS NULL)
  AND (h.id < :before OR :before IS NULL)
ORDER BY h.id DESC LIMIT :most;

-- name: count_narrowed_holds$
-- How many open holds there are up to a number.
SELECT count(*) FROM holds h JOIN activities a ON a.seq = h.seq
WHERE h.state = 'open' AND (h.reason = :reason OR :reason IS NULL) AND (h.rule = :rule OR :rule IS NULL)
  AND (a.server = :server OR :server IS NULL)
  AND (h.seq IN (SELECT seq FROM braked WHERE brake = :brake) OR :brake IS NULL)
  AND h.id <= :upto;

-- name: decided_since
-- Decisions that were carried out with one of some verbs, newest first; `verbs` is a JSON array.
SELECT d.id, d.at, d.verb, d.effective, d.rule, d.reason, a.seq, a.kind, a.server, a.actor, a.object_id
FROM decisions d JOIN activities a ON a.seq = d.seq
WHERE d.at >= :since AND d.effective IN (SELECT value FROM json_each(:verbs)) AND (d.id < :before OR :before IS NULL)
ORDER BY d.id DESC LIMIT :most;
