-- name: known_server^
-- What is known about one server.
SELECT * FROM servers WHERE server = :server;

-- name: known_servers
-- What is known about some servers (a JSON array).
SELECT * FROM servers WHERE server IN (SELECT value FROM json_each(:servers));

-- name: server_seen!
-- Note that something came from a server; the first time stays.
INSERT INTO servers (server, first_seen_at, seen_at) VALUES (:server, :at, :at)
ON CONFLICT (server) DO UPDATE SET seen_at = excluded.seen_at;

-- name: server_runs!
-- Write what a server runs.
UPDATE servers SET software = :software, version = :version, fetched_at = :at, due_at = :due_at, error = NULL
WHERE server = :server;

-- name: server_unanswered!
-- Write that a server could not be asked.
UPDATE servers SET due_at = :due_at, error = :error WHERE server = :server;

-- name: trim_servers!
-- Forget who was heard from longest ago, of what is too much; not subscribers.
DELETE FROM servers WHERE server IN (SELECT server FROM servers WHERE server NOT IN (SELECT server FROM subscriptions)
  ORDER BY seen_at DESC, server LIMIT -1 OFFSET :most);

-- name: forget_servers!
-- Forget servers that sent nothing for long and have no subscription.
DELETE FROM servers WHERE seen_at < :before AND server NOT IN (SELECT server FROM subscriptions);
