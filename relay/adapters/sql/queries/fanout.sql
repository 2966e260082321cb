-- name: last_position$
-- The head of the log. Positions are never used twice.
SELECT coalesce((SELECT value FROM marks WHERE name = 'head'), 0);

-- name: add_log*!
-- Append to the log under positions chosen inside the transaction.
INSERT INTO log (position, seq, object_id, origins, body, digest, attestations, published_at, forward,
  forward_digest, forward_by, forward_until, traits)
VALUES (:position, :seq, :object_id, :origins, :body, :digest, :attestations, :published_at, :forward,
  :forward_digest, :forward_by, :forward_until, :traits);

-- name: first_published^
-- Where an object stands in the log for the first time, and what it was then.
SELECT position, traits FROM log WHERE object_id = :object_id ORDER BY position LIMIT 1;

-- name: log_between
-- A stretch of the log, with what a recall stopped or without.
SELECT position, object_id, origins, body, digest, attestations, published_at, forward, forward_digest,
  forward_by, forward_until, traits
FROM log
WHERE position > :after AND position <= :upto AND (:stopped OR position NOT IN (SELECT position FROM recalled_log))
ORDER BY position;

-- name: unpublish!
-- Its server deleted the object: what is still to be delivered is not delivered, but for deletions. Those may come twice.
DELETE FROM log WHERE (object_id = :object_id OR seq IN (SELECT seq FROM activities WHERE actor = :whose))
  AND NOT EXISTS (SELECT 1 FROM activities AS a WHERE a.seq = log.seq AND a.kind = 'Delete');

-- name: oldest_kept$
-- The last position that retention ends for.
SELECT max(position) FROM log WHERE published_at < :before;

-- name: prune_log!
-- Forget what retention ended for.
DELETE FROM log WHERE position <= :upto;

-- name: set_cursors*!
-- Write the cursors of those that are not with the pack; NULL joins the pack.
UPDATE subscriptions SET cursor = :cursor WHERE id = :id;

-- name: add_counts*!
-- Add to the delivery counters.
UPDATE subscriptions SET delivered = delivered + :delivered, refused = refused + :refused, failed = failed + :failed
WHERE id = :id;

-- name: add_skipped*!
-- Add to what subscribers did not get; nothing for a subscription that is gone.
INSERT INTO skipped (subscription, reason, times) SELECT :subscription, :reason, :times
WHERE EXISTS (SELECT 1 FROM subscriptions WHERE id = :subscription)
ON CONFLICT (subscription, reason) DO UPDATE SET times = skipped.times + excluded.times;

-- name: skipped_of
-- What one subscription did not get, by reason.
SELECT reason, times FROM skipped WHERE subscription = :subscription ORDER BY reason;

-- name: save_straggler*!
-- Write a position that waits for a retry of its own.
INSERT INTO stragglers (subscription, position, attempts, due_at, error)
VALUES (:subscription, :position, :attempts, :due_at, :error)
ON CONFLICT (subscription, position) DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at,
  error = excluded.error;

-- name: close_open!
-- Forget what subscriptions had left open.
DELETE FROM stragglers
WHERE attempts = 0 AND subscription IN (SELECT CAST(value AS INTEGER) FROM json_each(:subscriptions));

-- name: drop_straggler*!
-- A straggler is settled.
DELETE FROM stragglers WHERE subscription = :subscription AND position = :position;

-- name: all_stragglers
-- Every straggler.
SELECT * FROM stragglers WHERE attempts > 0;

-- name: open_positions
-- What subscriptions have still to get before what they had already. It was not tried, so versions that do not know of
-- it take it for a straggler that is due.
SELECT subscription, position FROM stragglers WHERE attempts = 0;

-- name: save_open*!
-- Write a position that a subscription leaves open.
INSERT INTO stragglers (subscription, position, attempts, due_at, error)
VALUES (:subscription, :position, 0, 0.0, 'left open')
ON CONFLICT (subscription, position) DO NOTHING;

-- name: objects_straggling
-- What the positions that straggle are about.
SELECT position, object_id FROM log WHERE position IN (SELECT position FROM stragglers);

-- name: stragglers_of
-- The stragglers of one subscription.
SELECT * FROM stragglers WHERE subscription = :subscription AND attempts > 0 ORDER BY position;

-- name: save_host*!
-- Write the health of a server.
INSERT INTO hosts (server, failures, retry_at, error, failing_since, succeeded_at)
VALUES (:server, :failures, :retry_at, :error, :failing_since, :succeeded_at)
ON CONFLICT (server) DO UPDATE SET failures = excluded.failures, retry_at = excluded.retry_at,
  error = excluded.error, failing_since = excluded.failing_since, succeeded_at = excluded.succeeded_at;

-- name: all_hosts
-- The health of every server that had trouble.
SELECT * FROM hosts;

-- name: host^
-- The health of one server.
SELECT * FROM hosts WHERE server = :server;

-- name: add_gap!
-- Record what a subscriber will never get, if there was anything and it is not on record.
INSERT INTO gaps (subscription, first, last, entries, recorded_at)
SELECT :subscription, :after + 1, :last, lost.entries, :at
FROM (SELECT count(*) AS entries FROM log WHERE position > :after AND position <= :last) AS lost
WHERE lost.entries > 0
  AND NOT EXISTS (SELECT 1 FROM gaps WHERE subscription = :subscription AND first <= :after AND last >= :last)
ON CONFLICT (subscription, first) DO UPDATE SET last = excluded.last, entries = excluded.entries;

-- name: grow_gap!
-- A gap that ended right before goes on; since when there is one stays.
UPDATE gaps SET last = :last,
  entries = entries + (SELECT count(*) FROM log WHERE position > :after AND position <= :last)
WHERE subscription = :subscription AND last = :after;

-- name: trim_gaps!
-- Forget the oldest gaps of a subscription, of what is too much.
DELETE FROM gaps WHERE subscription = :subscription AND first IN
  (SELECT first FROM gaps WHERE subscription = :subscription ORDER BY first DESC LIMIT -1 OFFSET :most);

-- name: gaps_of
-- The gaps of one subscription.
SELECT * FROM gaps WHERE subscription = :subscription ORDER BY first;

-- name: gaps_over
-- The subscriptions that will never get what stood at a position.
SELECT subscription FROM gaps WHERE first <= :position AND last >= :position;

-- name: rfc9421_servers
-- Servers that take RFC 9421, the one that is forgotten first at the top.
SELECT server, until FROM rfc9421_servers WHERE until > :now ORDER BY until;

-- name: save_rfc9421_server!
-- A server takes RFC 9421.
INSERT INTO rfc9421_servers (server, until) VALUES (:server, :until)
ON CONFLICT (server) DO UPDATE SET until = excluded.until;

-- name: drop_rfc9421_server!
-- A server takes the older signatures.
DELETE FROM rfc9421_servers WHERE server = :server;

-- name: trim_rfc9421_servers!
-- Forget what ended, and the oldest of what is too much.
DELETE FROM rfc9421_servers WHERE until <= :now OR server IN
  (SELECT server FROM rfc9421_servers ORDER BY until DESC, server LIMIT -1 OFFSET :most);
