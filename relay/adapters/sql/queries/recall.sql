-- name: recall_done
-- What of each list was compared with stored media.
SELECT list, parts FROM recall_done;

-- name: save_recall_done!
-- Write what of a list was compared with stored media.
INSERT INTO recall_done (list, parts) VALUES (:list, :parts)
ON CONFLICT (list) DO UPDATE SET parts = excluded.parts;

-- name: stored_hashes
-- A page of everything that was scanned, by digest.
SELECT digest, sha1, md5, frames FROM media WHERE digest > :after ORDER BY digest LIMIT :most;

-- name: unscanned_digests
-- A page of what was relayed and never scanned, on somebody's attestation.
SELECT DISTINCT m.digest FROM activity_media m
WHERE m.digest > :after AND NOT EXISTS (SELECT 1 FROM media f WHERE f.digest = m.digest)
ORDER BY m.digest LIMIT :most;

-- name: recall_of_digest$
-- The recall of a list that stands and has stopped a file.
SELECT r.id FROM recall_files f JOIN recalls r ON r.id = f.recall
WHERE f.digest = :digest AND r.list = :list AND r.state IN ('waiting', 'due', 'sent') ORDER BY r.id LIMIT 1;

-- name: recall_of_activity$
-- A recall that stands and has stopped a file of an activity.
SELECT r.id FROM activity_media m JOIN recall_files f ON f.digest = m.digest JOIN recalls r ON r.id = f.recall
WHERE m.seq = :seq AND r.state IN ('waiting', 'due', 'sent') ORDER BY r.id LIMIT 1;

-- name: dismissed_lists
-- The lists of which a person said that they are wrong about a file.
SELECT DISTINCT r.list FROM recall_files f JOIN recalls r ON r.id = f.recall
WHERE f.digest = :digest AND r.state = 'dismissed';

-- name: copies_of
-- Where posts with a file stand in the log, or stood, and what matched in them when they were decided.
SELECT a.seq, a.position, a.object_id, a.kind, a.actor, a.server, h.actor AS author, m.url, m.matches, m.digest,
  l.origins, l.body, l.published_at, l.traits, a.received_at
FROM activity_media m JOIN activities a ON a.seq = m.seq
LEFT JOIN log l ON l.position = a.position LEFT JOIN history h ON h.seq = a.seq
WHERE m.digest = :digest AND a.position IS NOT NULL AND a.state = 'published' ORDER BY a.position, m.place;

-- name: all_servings
-- Who is and who was served which stretch of the log, with how deliveries go.
SELECT v.subscription, v.actor, v.server, coalesce(s.inbox, v.inbox) AS inbox, coalesce(s.dialect, v.dialect) AS dialect,
  v.first, v.last, s.cursor, v.profile AS profile_then, v.profile_since AS since_then, s.profile, s.profile_since,
  s.id AS here, o.failures, o.succeeded_at, o.error
FROM servings v LEFT JOIN subscriptions s ON s.id = v.subscription AND v.last IS NULL
LEFT JOIN hosts o ON o.server = v.server ORDER BY v.id;

-- name: all_gaps
-- Every gap.
SELECT subscription, first, last FROM gaps;

-- name: open_serving!
-- A subscriber is served from a position on.
INSERT INTO servings (subscription, actor, server, inbox, dialect, first)
SELECT id, actor, server, inbox, dialect, :first FROM subscriptions WHERE id = :id;

-- name: close_servings!
-- A subscriber is not served any more: it may have come as far as the head, and the profile it had is kept.
UPDATE servings SET last = :last,
  inbox = (SELECT inbox FROM subscriptions WHERE id = :id), dialect = (SELECT dialect FROM subscriptions WHERE id = :id),
  profile = (SELECT profile FROM subscriptions WHERE id = :id),
  profile_since = (SELECT profile_since FROM subscriptions WHERE id = :id)
WHERE subscription = :id AND last IS NULL;

-- name: forget_servings!
-- Forget who was served what the log does not hold any more.
DELETE FROM servings WHERE last IS NOT NULL AND last < (SELECT coalesce(min(position), 0) FROM log);

-- name: unsent_recall^
-- The recall of an entry of which nobody was told yet.
SELECT * FROM recalls WHERE list = :list AND entry = :entry AND state IN ('waiting', 'due') ORDER BY id LIMIT 1;

-- name: add_recall<!
-- Open a recall.
INSERT INTO recalls (list, purpose, entry, category, kind, state, cause, opened_at, act_at, sent_at, closed_at, who, note)
VALUES (:list, :purpose, :entry, :category, :kind, :state, :cause, :opened_at, :act_at, :sent_at, :closed_at, :who,
  :note)
RETURNING id;

-- name: save_recall!
-- Write what changes of a recall.
UPDATE recalls SET kind = :kind, state = :state, cause = :cause, act_at = :act_at, sent_at = :sent_at,
  closed_at = :closed_at, who = :who, note = :note
WHERE id = :id;

-- name: recall_by_id^
-- One recall.
SELECT * FROM recalls WHERE id = :id;

-- name: newest_recalls
-- The newest recalls in some states (a JSON array), all for an empty one.
SELECT * FROM recalls WHERE :states = '[]' OR state IN (SELECT value FROM json_each(:states))
ORDER BY id DESC LIMIT :most;

-- name: due_recalls
-- Recalls of which servers are to be told now.
SELECT * FROM recalls WHERE state = 'due' AND act_at <= :now ORDER BY id;

-- name: add_recall_file!
-- A file of a recall.
INSERT INTO recall_files (recall, digest, matched, before, retracted_at, stopped_at)
VALUES (:recall, :digest, :matched, :before, :retracted_at, :at) ON CONFLICT DO NOTHING;

-- name: recall_files_of
-- The files of a recall.
SELECT * FROM recall_files WHERE recall = :recall ORDER BY digest;

-- name: match_media!
-- From now on a file matches.
UPDATE media SET outcome = :outcome, reason = :reason, matches = :matches WHERE digest = :digest;

-- name: restore_attestation!
-- Take back that an attestation was retracted, if that was for a recall.
UPDATE attestations SET retracted_at = NULL WHERE digest = :digest AND retracted_at = :at;

-- name: restore_status_indexes!
-- The same in our status lists.
UPDATE status_indexes SET retracted_at = NULL WHERE digest = :digest AND retracted_at = :at;

-- name: drop_media!
-- Forget what is known about a file that was never scanned.
DELETE FROM media WHERE digest = :digest;

-- name: add_recall_post!
-- A post of a recall.
INSERT INTO recall_posts (recall, position, seq, object_id, author, announce, media, published_at)
VALUES (:recall, :position, :seq, :object_id, :author, :announce, :media, :published_at) ON CONFLICT DO NOTHING;

-- name: add_recall_receiver*!
-- Who may have received a post.
INSERT INTO recall_receivers (recall, position, actor, server, inbox)
VALUES (:recall, :position, :actor, :server, :inbox) ON CONFLICT DO NOTHING;

-- name: stop_position!
-- Deliver what stands at a position no more.
INSERT INTO recalled_log (position) VALUES (:position) ON CONFLICT DO NOTHING;

-- name: positions_to_release
-- What a recall stopped and no other that stands has stopped.
SELECT p.position, p.object_id FROM recall_posts p WHERE p.recall = :recall AND NOT EXISTS (
  SELECT 1 FROM recall_posts o JOIN recalls r ON r.id = o.recall
  WHERE o.position = p.position AND o.recall <> p.recall AND r.state IN ('waiting', 'due', 'sent'));

-- name: release_position*!
-- Deliver again what stands at a position.
DELETE FROM recalled_log WHERE position = :position;

-- name: forget_recalled_log!
-- Forget what is not in the log any more.
DELETE FROM recalled_log WHERE position < (SELECT coalesce(min(position), 0) FROM log);

-- name: recall_posts_of
-- The posts of a recall.
SELECT * FROM recall_posts WHERE recall = :recall ORDER BY position;

-- name: recall_deleted!
-- Its own server deleted an object, or an actor everything of it.
UPDATE recall_posts SET deleted_at = :at
WHERE (object_id = :object_id OR author = :whose) AND deleted_at IS NULL;

-- name: recall_receivers_of
-- Who may have received which posts of a recall and has not been told of them by another one that stands.
SELECT v.actor, v.server, v.inbox, p.object_id, s.profile
FROM recall_receivers v JOIN recall_posts p ON p.recall = v.recall AND p.position = v.position
LEFT JOIN subscriptions s ON s.actor = v.actor
WHERE v.recall = :recall AND NOT EXISTS (
  SELECT 1 FROM recall_receivers ov JOIN recall_posts op ON op.recall = ov.recall AND op.position = ov.position
  JOIN recalls r ON r.id = ov.recall
  WHERE ov.actor = v.actor AND op.object_id = p.object_id AND r.id <> v.recall AND r.state = 'sent')
ORDER BY v.actor, p.position;

-- name: count_recall_files
-- Files of recalls (a JSON array).
SELECT recall, count(*) AS n FROM recall_files WHERE recall IN (SELECT CAST(value AS BIGINT) FROM json_each(:recalls)) GROUP BY recall;

-- name: count_recall_posts
-- Posts of recalls, and how many of them their servers deleted.
SELECT recall, count(DISTINCT object_id) AS n,
  count(DISTINCT CASE WHEN deleted_at IS NULL THEN NULL ELSE object_id END) AS deleted
FROM recall_posts WHERE recall IN (SELECT CAST(value AS BIGINT) FROM json_each(:recalls)) GROUP BY recall;

-- name: count_recall_receivers
-- Servers that may have received posts of recalls.
SELECT recall, count(DISTINCT server) AS n FROM recall_receivers
WHERE recall IN (SELECT CAST(value AS BIGINT) FROM json_each(:recalls)) GROUP BY recall;

-- name: count_recall_notices
-- Notices of recalls by state, and how many were answered.
SELECT recall, state, count(*) AS n, count(answer) AS answered FROM recall_notices
WHERE recall IN (SELECT CAST(value AS BIGINT) FROM json_each(:recalls)) GROUP BY recall, state;

-- name: add_recall_notice<!
-- A message is on its way.
INSERT INTO recall_notices (recall, actor, server, inbox, kind, document, posts, state, at)
VALUES (:recall, :actor, :server, :inbox, :kind, :document, :posts, 'waiting', :at) RETURNING id;

-- name: recall_notices_of
-- The notices of a recall, by server.
SELECT * FROM recall_notices WHERE recall = :recall ORDER BY server, id LIMIT :most;

-- name: attempt_recall_notice!
-- What an attempt came to.
UPDATE recall_notices SET state = :state, error = :error, attempts = attempts + 1, at = :at WHERE id = :id;

-- name: cancel_recall_notices!
-- What did not arrive yet is not needed any more.
UPDATE recall_notices SET state = 'cancelled', at = :at WHERE recall = :recall AND state IN ('waiting', 'refused');

-- name: drop_recall_letter*!
-- Take a letter back by its kind, which names the notice.
DELETE FROM letters WHERE kind = :kind;

-- name: answer_recall_notice
-- Note what a server answered to a notice of its own.
UPDATE recall_notices SET answer = :answer, answered_at = :at WHERE document = :document AND server = :server
RETURNING recall;

-- name: count_recalls
-- Recalls by state.
SELECT state, count(*) AS n FROM recalls GROUP BY state;

-- name: count_waiting_notices$
-- Notices that did not arrive yet.
SELECT count(*) FROM recall_notices WHERE state IN ('waiting', 'refused');

-- name: old_recalls
-- Recalls that were closed or sent before a time. Those that a person dismissed are kept: they keep a file free.
SELECT id FROM recalls WHERE (state = 'undone' AND closed_at < :before) OR (state = 'sent' AND sent_at < :before);

-- name: forget_recall*!
-- Forget a recall.
DELETE FROM recalls WHERE id = :id;

-- name: forget_recall_files*!
-- Forget the files of a recall.
DELETE FROM recall_files WHERE recall = :id;

-- name: forget_recall_posts*!
-- Forget the posts of a recall.
DELETE FROM recall_posts WHERE recall = :id;

-- name: forget_recall_receivers*!
-- Forget who received posts of a recall.
DELETE FROM recall_receivers WHERE recall = :id;

-- name: forget_recall_notices*!
-- Forget the notices of a recall.
DELETE FROM recall_notices WHERE recall = :id;
