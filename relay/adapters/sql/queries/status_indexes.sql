-- name: newest_status_list^
-- The newest list and how many of its indexes are used.
SELECT list, count(*) AS used FROM status_indexes
WHERE list = (SELECT max(list) FROM status_indexes) GROUP BY list;

-- name: take_status_index!
-- Take an index unless it is taken.
INSERT INTO status_indexes (list, idx, digest, key, expires_at) VALUES (:list, :idx, :digest, :key, :expires_at)
ON CONFLICT DO NOTHING;

-- name: status_list_of
-- The retracted indexes of a list; a row without one when there are none, no row when there is no such list.
SELECT DISTINCT CASE WHEN retracted_at IS NULL THEN NULL ELSE idx END AS idx FROM status_indexes
WHERE list = :list;

-- name: retract_status_indexes!
-- What was issued about some bytes is retracted.
UPDATE status_indexes SET retracted_at = :at WHERE digest = :digest AND retracted_at IS NULL;

-- name: retract_status_indexes_of_key!
-- What was made with a key is retracted.
UPDATE status_indexes SET retracted_at = :at WHERE key = :key AND retracted_at IS NULL;

-- name: forget_status_indexes!
-- Attestations that have ended free their indexes.
DELETE FROM status_indexes WHERE expires_at < :before;
