-- name: all_upstreams
-- Every relay that this one follows, oldest first.
SELECT * FROM upstreams ORDER BY created_at, actor;

-- name: upstream_by_actor^
-- One of them.
SELECT * FROM upstreams WHERE actor = :actor;

-- name: save_upstream!
-- Write one, new or changed.
INSERT INTO upstreams (actor, server, inbox, dialect, state, follow_id, created_at, changed_at, error)
VALUES (:actor, :server, :inbox, :dialect, :state, :follow_id, :created_at, :changed_at, :error)
ON CONFLICT (actor) DO UPDATE SET server = excluded.server, inbox = excluded.inbox, dialect = excluded.dialect,
  state = excluded.state, follow_id = excluded.follow_id, changed_at = excluded.changed_at, error = excluded.error;

-- name: remove_upstream!
-- Forget one.
DELETE FROM upstreams WHERE actor = :actor;
