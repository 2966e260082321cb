-- name: media_by_digest^
-- Facts about some bytes.
SELECT * FROM media WHERE digest = :digest;

-- name: save_media!
-- Write what is known about some bytes; the first sighting stays.
INSERT INTO media (digest, sha1, md5, size, media_type, width, height, frames, undecodable, outcome, reason,
  matches, versions, first_seen_at, scanned_at)
VALUES (:digest, :sha1, :md5, :size, :media_type, :width, :height, :frames, :undecodable, :outcome, :reason,
  :matches, :versions, :at, :at)
ON CONFLICT (digest) DO UPDATE SET media_type = excluded.media_type, width = excluded.width,
  height = excluded.height, frames = excluded.frames, undecodable = excluded.undecodable,
  outcome = excluded.outcome, reason = excluded.reason, matches = excluded.matches,
  versions = excluded.versions, scanned_at = excluded.scanned_at;

-- name: save_activity_media*!
-- Write what became of each media item of an activity.
INSERT INTO activity_media (seq, place, url, kind, digest, outcome, reason, attestation, issuer, matches)
VALUES (:seq, :place, :url, :kind, :digest, :outcome, :reason, :attestation, :issuer, :matches)
ON CONFLICT (seq, place) DO UPDATE SET digest = excluded.digest, outcome = excluded.outcome,
  reason = excluded.reason, attestation = excluded.attestation, issuer = excluded.issuer,
  matches = excluded.matches;

-- name: media_of
-- The media items of one activity.
SELECT m.*, f.media_type, f.width, f.height, f.size FROM activity_media m LEFT JOIN media f ON f.digest = m.digest
WHERE m.seq = :seq ORDER BY m.place;

-- name: drop_media_of!
-- Its server deleted the object: which media it had is not kept any longer.
DELETE FROM activity_media WHERE seq IN
  (SELECT seq FROM activities WHERE object_id = :object_id OR actor = :whose);

-- name: forget_media!
-- Forget facts about bytes that no kept activity refers to.
DELETE FROM media WHERE scanned_at < :before AND digest NOT IN (SELECT digest FROM activity_media WHERE digest IS NOT NULL);

-- name: count_media
-- Distinct media by outcome since a time.
SELECT outcome, count(*) AS n FROM media WHERE scanned_at >= :since GROUP BY outcome;

-- name: attestation_of^
-- Our attestation of some bytes.
SELECT * FROM attestations WHERE digest = :digest;

-- name: save_attestation!
-- Write our attestation of some bytes, in place of an older one.
INSERT INTO attestations (digest, jws, issued_at, expires_at, key)
VALUES (:digest, :jws, :issued_at, :expires_at, :key)
ON CONFLICT (digest) DO UPDATE SET jws = excluded.jws, issued_at = excluded.issued_at, key = excluded.key,
  expires_at = excluded.expires_at, retracted_at = NULL;

-- name: retract_attestation!
-- Retract: from now on the look-up answers 410.
UPDATE attestations SET retracted_at = :at WHERE digest = :digest AND jws IS NOT NULL AND retracted_at IS NULL;

-- name: retract_attestations_of_key!
-- Retract what was made with a key. What was made before keys were noted may have been made with it.
UPDATE attestations SET retracted_at = :at
WHERE (key = :key OR key IS NULL) AND jws IS NOT NULL AND retracted_at IS NULL;

-- name: forget_attestations!
-- Forget attestations that ended.
DELETE FROM attestations WHERE expires_at < :before;
