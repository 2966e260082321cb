-- name: open_list_batch<!
-- Open a batch, which does not count yet.
INSERT INTO list_batches (list, source, who, imported_at, state, replaces, entries)
VALUES (:list, :source, :who, :at, 'loading', :replaces, 0) RETURNING id;

-- name: list_batch^
-- One batch.
SELECT * FROM list_batches WHERE id = :id;

-- name: list_batches_of
-- The batches of one list, or of all, newest first.
SELECT * FROM list_batches WHERE list = :list OR :list IS NULL ORDER BY id DESC;

-- name: add_list_pack!
-- Write some entries of a batch.
INSERT INTO list_packs (batch, place, entries, content) VALUES (:batch, :place, :entries, :content);

-- name: save_list_progress!
-- Note how far an import has come; the number of entries follows from what was written.
UPDATE list_batches SET progress = :progress,
  entries = (SELECT coalesce(sum(entries), 0) FROM list_packs WHERE batch = :id) WHERE id = :id;

-- name: list_pack$
-- Some entries of a batch.
SELECT content FROM list_packs WHERE batch = :batch AND place = :place;

-- name: list_packs_of$
-- How many packs a batch has.
SELECT count(*) FROM list_packs WHERE batch = :batch;

-- name: finish_list_batch!
-- Put a batch in force.
UPDATE list_batches SET state = 'done', added = :added, changed = :changed, removed = :removed, digest = :digest,
  progress = NULL, imported_at = :at, change = 1 + (SELECT max(change) FROM list_batches)
WHERE id = :id AND state = 'loading';

-- name: end_list_batch!
-- Take a batch out of force, or give it up.
UPDATE list_batches SET state = :state, progress = NULL, change = 1 + (SELECT max(change) FROM list_batches)
WHERE id = :id;

-- name: drop_list_packs!
-- Delete the entries of a batch.
DELETE FROM list_packs WHERE batch = :batch;

-- name: drop_list_batch!
-- Delete a batch that was never in force.
DELETE FROM list_batches WHERE id = :id AND state = 'loading';

-- name: last_list_change$
-- Changes whenever the lists in force do.
SELECT coalesce(max(change), 0) FROM list_batches;

-- name: old_list_entries
-- Entries of a batch as they were kept before they were packed.
SELECT algorithm, value, category, source, note FROM list_entries WHERE batch = :batch;

-- name: old_list_batches
-- Batches whose entries have to be packed yet.
SELECT DISTINCT batch FROM list_entries ORDER BY batch;

-- name: has_old_list_entries$
-- Whether there are entries that have to be packed yet.
SELECT EXISTS (SELECT 1 FROM list_entries);

-- name: drop_old_list_entries!
-- The entries of a batch were packed.
DELETE FROM list_entries WHERE batch = :batch;

-- name: seal_old_list_batch!
-- A batch of before is in force as it was.
UPDATE list_batches SET digest = :digest, added = entries WHERE id = :id;

-- name: add_list_hit*!
-- An entry matched in a post.
INSERT INTO list_hits (mark, object_id, list, at) VALUES (:mark, :object_id, :list, :at) ON CONFLICT DO NOTHING;

-- name: list_hits_of$
-- In how many posts an entry matched since a time.
SELECT count(*) FROM list_hits WHERE mark = :mark AND at > :since;

-- name: busiest_list_entries
-- Entries that matched in more than so many posts since a time, the busiest first.
SELECT list, mark, count(*) AS posts, max(at) AS last_at FROM list_hits WHERE at > :since
GROUP BY list, mark HAVING count(*) > :most ORDER BY posts DESC, mark;

-- name: forget_list_hits!
-- Forget which entries matched before a time.
DELETE FROM list_hits WHERE at <= :before;
