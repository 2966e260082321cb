-- name: list_syncs
-- How every fetched list is doing.
SELECT * FROM list_syncs ORDER BY list;

-- name: save_list_sync!
-- Write how a fetched list is doing.
INSERT INTO list_syncs
  (list, place, checkpoint, synced_at, next_at, failures, error, error_at, waits, unused)
VALUES (:list, :place, :checkpoint, :synced_at, :next_at, :failures, :error, :error_at, :waits, :unused)
ON CONFLICT (list) DO UPDATE SET place = excluded.place, checkpoint = excluded.checkpoint,
  synced_at = excluded.synced_at, next_at = excluded.next_at, failures = excluded.failures, error = excluded.error,
  error_at = excluded.error_at, waits = excluded.waits, unused = excluded.unused;

-- name: say_list_statement*!
-- A keeper says something of an entry, unless it was said before or something newer was.
INSERT INTO list_statements (list, owner, batch, at, content)
SELECT :list, :owner, :batch, :at, :content
WHERE NOT EXISTS (
  SELECT 1 FROM list_statements known
  WHERE known.list = :list AND known.owner = :owner AND known.batch >= :first AND known.batch < :batch
    AND (known.at > :at OR (known.at = :at AND known.content = :content))
)
ON CONFLICT (list, owner, batch) DO UPDATE SET at = excluded.at, content = excluded.content
WHERE excluded.at >= list_statements.at;

-- name: list_statements_of_batch
-- What a batch said of the next entries, and what was last said of them before.
SELECT said.owner, said.content, (
  SELECT earlier.content FROM list_statements earlier
  WHERE earlier.list = said.list AND earlier.owner = said.owner
    AND earlier.batch >= :first AND earlier.batch < said.batch
  ORDER BY earlier.batch DESC LIMIT 1
) AS before
FROM list_statements said WHERE said.batch = :batch AND said.owner > :after ORDER BY said.owner LIMIT :most;

-- name: standing_list_statements
-- What was last said of the next entries of a list.
SELECT said.owner, said.content FROM list_statements said
WHERE said.list = :list AND said.batch >= :first AND said.owner > :after AND NOT EXISTS (
  SELECT 1 FROM list_statements later
  WHERE later.list = said.list AND later.owner = said.owner AND later.batch > said.batch
)
ORDER BY said.owner LIMIT :most;

-- name: drop_list_statements!
-- Forget what was said in a batch.
DELETE FROM list_statements WHERE batch = :batch;

-- name: seal_list_batch!
-- Note from which checkpoint on a batch was fetched.
UPDATE list_batches SET since = :since WHERE id = :id;
