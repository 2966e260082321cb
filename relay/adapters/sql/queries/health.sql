-- name: subscriber_states
-- Every subscription's state, and whether deliveries to its server fail.
SELECT s.id, s.state, coalesce(h.failures, 0) AS failures
FROM subscriptions s LEFT JOIN hosts h ON h.server = s.server ORDER BY s.id;

-- name: published_after$
-- When the oldest entry after a position was published.
SELECT published_at FROM log WHERE position > :position ORDER BY position LIMIT 1;

-- name: published_before$
-- The newest position that was published before a time.
SELECT position FROM log WHERE published_at < :before ORDER BY published_at DESC, position DESC LIMIT 1;

-- name: waiting_of
-- The stragglers of one subscription, with what they are about while the log holds it.
SELECT s.position, s.attempts, s.due_at, s.error, l.object_id, l.published_at
FROM stragglers s LEFT JOIN log l ON l.position = s.position WHERE s.subscription = :subscription AND s.attempts > 0
ORDER BY s.position;

-- name: suspended_by^
-- Who suspended the subscription of an actor last, why and when.
SELECT who, detail, at FROM audit WHERE action = 'suspend' AND subject = :actor ORDER BY id DESC LIMIT 1;

-- name: count_stragglers$
-- How many positions wait for a retry of their own, of all subscriptions.
SELECT count(*) FROM stragglers WHERE attempts > 0;

-- name: count_gaps$
-- How many gaps there are on record, of all subscriptions.
SELECT count(*) FROM gaps;
