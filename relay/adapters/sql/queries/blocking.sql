-- name: blocklist_states
-- How each list does.
SELECT * FROM blocklists ORDER BY name;

-- name: save_blocklist_state!
-- Write how a list does.
INSERT INTO blocklists (name, source, etag, modified, cursor, loaded_at, checked_at, next_at, failures, error,
  obfuscated, unusable)
VALUES (:name, :source, :etag, :modified, :cursor, :loaded_at, :checked_at, :next_at, :failures, :error,
  :obfuscated, :unusable)
ON CONFLICT (name) DO UPDATE SET source = excluded.source, etag = excluded.etag, modified = excluded.modified,
  cursor = excluded.cursor, loaded_at = excluded.loaded_at, checked_at = excluded.checked_at,
  next_at = excluded.next_at, failures = excluded.failures, error = excluded.error,
  obfuscated = excluded.obfuscated, unusable = excluded.unusable;

-- name: add_observed*!
-- Count what a list would have refused.
UPDATE blocklists SET observed = observed + :n WHERE name = :name;

-- name: blocklist_source_of
-- What a source said when it was read last.
SELECT server, effect, severity, comment, ref FROM blocklist_source WHERE list = :list;

-- name: save_blocklist_source*!
-- Write what a source says about a server.
INSERT INTO blocklist_source (list, server, effect, severity, comment, ref)
VALUES (:list, :server, :effect, :severity, :comment, :ref)
ON CONFLICT (list, server) DO UPDATE SET effect = excluded.effect, severity = excluded.severity,
  comment = excluded.comment, ref = excluded.ref;

-- name: drop_blocklist_source*!
-- A source says nothing about a server any more.
DELETE FROM blocklist_source WHERE list = :list AND server = :server;

-- name: blocklist_entries_of
-- What is in force of a list.
SELECT server, effect, severity, comment, ref FROM blocklist_entries WHERE list = :list;

-- name: blocklist_servers_of
-- The servers that a list in force names.
SELECT server, effect FROM blocklist_entries WHERE list = :list;

-- name: count_blocklist_entries
-- What is in force, by list and effect.
SELECT list, effect, count(*) AS n FROM blocklist_entries GROUP BY list, effect;

-- name: save_blocklist_entry*!
-- Put an entry in force.
INSERT INTO blocklist_entries (list, server, effect, severity, comment, ref, batch)
VALUES (:list, :server, :effect, :severity, :comment, :ref, :batch)
ON CONFLICT (list, server) DO UPDATE SET effect = excluded.effect, severity = excluded.severity,
  comment = excluded.comment, ref = excluded.ref, batch = excluded.batch;

-- name: drop_blocklist_entry*!
-- Take an entry out of force.
DELETE FROM blocklist_entries WHERE list = :list AND server = :server;

-- name: add_blocklist_batch<!
-- Record a refresh that changed something, or would.
INSERT INTO blocklist_batches (list, at, who, source, state, gained, lost, changes)
VALUES (:list, :at, :who, :source, :state, :gained, :lost, :changes) RETURNING id;

-- name: blocklist_batch^
-- One batch.
SELECT * FROM blocklist_batches WHERE id = :id;

-- name: blocklist_batches_of
-- The newest batches of a list, or of all, without their changes.
SELECT id, list, at, who, source, state, gained, lost, '[]' AS changes, decided_at, decided_by FROM blocklist_batches
WHERE list = coalesce(:list, list) ORDER BY id DESC LIMIT :most;

-- name: pending_batches
-- The batches of a list that wait for a person.
SELECT * FROM blocklist_batches WHERE list = :list AND state = 'pending' ORDER BY id DESC;

-- name: decide_batch!
-- Write what became of a batch.
UPDATE blocklist_batches SET state = :state, decided_at = :at, decided_by = :who WHERE id = :id;

-- name: kept_back_of
-- What a person undid or refused.
SELECT server, effect FROM blocklist_kept_back WHERE list = :list;

-- name: keep_back*!
-- Remember that a change is not wanted.
INSERT INTO blocklist_kept_back (list, server, effect) VALUES (:list, :server, :effect) ON CONFLICT DO NOTHING;

-- name: let_through*!
-- Forget that a change was not wanted.
DELETE FROM blocklist_kept_back WHERE list = :list AND server = :server AND effect = :effect;

-- name: all_opt_outs
-- Who blocked the relay, oldest first.
SELECT * FROM opt_outs ORDER BY at, actor;

-- name: opt_out_of^
-- The opt-out of an actor.
SELECT * FROM opt_outs WHERE actor = :actor;

-- name: count_opt_outs$
-- How many actors of a server blocked the relay.
SELECT count(*) FROM opt_outs WHERE server = :server;

-- name: add_opt_out!
-- Remember an opt-out.
INSERT INTO opt_outs (actor, server, whole_server, activity_id, at)
VALUES (:actor, :server, :whole_server, :activity_id, :at)
ON CONFLICT (actor) DO UPDATE SET whole_server = excluded.whole_server, activity_id = excluded.activity_id;

-- name: drop_opt_out!
-- Forget an opt-out.
DELETE FROM opt_outs WHERE actor = :actor;

-- name: all_suspensions
-- What the relay itself suspended.
SELECT * FROM suspensions;

-- name: add_suspension!
-- Remember that the relay suspended a subscription; what it was before stays.
INSERT INTO suspensions (subscription, cause, before, at) VALUES (:subscription, :cause, :before, :at)
ON CONFLICT (subscription) DO UPDATE SET cause = excluded.cause;

-- name: drop_suspension!
-- Forget that the relay suspended a subscription.
DELETE FROM suspensions WHERE subscription = :subscription;
