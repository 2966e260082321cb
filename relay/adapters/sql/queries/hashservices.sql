-- name: hash_services
-- How every service is doing.
SELECT * FROM hash_services ORDER BY name;

-- name: save_hash_service!
-- Write how a service is doing.
INSERT INTO hash_services (name, kind, since, version, answers, answered_at, error, error_at, paused)
VALUES (:name, :kind, :since, :version, :answers, :answered_at, :error, :error_at, :paused)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, since = excluded.since, version = excluded.version,
  answers = excluded.answers, answered_at = excluded.answered_at, error = excluded.error, error_at = excluded.error_at,
  paused = excluded.paused;

-- name: tool_checks
-- What was last found at every tool.
SELECT * FROM tool_checks ORDER BY name;

-- name: save_tool_check!
-- Write what a look at a tool found.
INSERT INTO tool_checks (name, checked_at, problems, error, error_at)
VALUES (:name, :checked_at, :problems, :error, :error_at)
ON CONFLICT (name) DO UPDATE SET checked_at = excluded.checked_at, problems = excluded.problems,
  error = excluded.error, error_at = excluded.error_at;
