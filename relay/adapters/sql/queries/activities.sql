-- name: seen_among
-- Which of the keys (a JSON array) were remembered before.
SELECT key FROM seen WHERE key IN (SELECT value FROM json_each(:keys));

-- name: remember*!
-- Remember keys against repeats and loops.
INSERT INTO seen (key, at) VALUES (:key, :at) ON CONFLICT DO NOTHING;

-- name: forget_seen!
-- Forget keys older than the log.
DELETE FROM seen WHERE at < :before;

-- name: last_activity$
-- The highest number an activity ever had; numbers are never used twice.
SELECT coalesce((SELECT value FROM marks WHERE name = 'activity'), 0);

-- name: add_activities*!
-- Store received activities under numbers chosen inside the transaction.
INSERT INTO activities (seq, activity_id, kind, actor, server, object_id, body, received_at, tokens, state,
  due_at, position, proven, forward_until)
VALUES (:seq, :activity_id, :kind, :actor, :server, :object_id, :body, :received_at, :tokens, :state,
  :due_at, :position, :proven, :forward_until);

-- name: due_activities
-- Work of screening that is due, oldest first; leased by moving its due time.
SELECT seq, activity_id, kind, actor, server, object_id, body, received_at, tokens, state, attempts, proven,
  forward_until
FROM activities WHERE state IN ('screening', 'deferred') AND due_at <= :now ORDER BY due_at, seq LIMIT :most;

-- name: lease_activities*!
-- Take work until a time: if the worker dies, the work falls due again by itself.
UPDATE activities SET due_at = :until, attempts = attempts + 1 WHERE seq = :seq;

-- name: keep_activity!
-- Keep work of screening until another time, unless somebody else took it or it was settled.
UPDATE activities SET due_at = :until
WHERE seq = :seq AND state IN ('screening', 'deferred') AND attempts = :attempts;

-- name: free_activities!
-- Let what was taken or is to be tried again fall due at once; what the policy put off keeps its time.
UPDATE activities SET due_at = received_at WHERE state = 'screening' AND due_at > received_at;

-- name: next_due_activity$
-- When the next work of screening falls due.
SELECT min(due_at) FROM activities WHERE state IN ('screening', 'deferred');

-- name: waiting_activities$
-- How many activities wait for screening.
SELECT count(*) FROM activities WHERE state IN ('screening', 'deferred');

-- name: settle_activity!
-- Write where an activity has come to.
UPDATE activities SET state = :state, due_at = :due_at, position = coalesce(:position, position) WHERE seq = :seq;

-- name: activity_by_seq^
-- One activity.
SELECT * FROM activities WHERE seq = :seq;

-- name: activities_about
-- Activities by their own id, their object's id or their number, newest first, and since when they are in the log. Of an
-- object with very many edits the newest 20, and the oldest, where the post itself is. No index is read further than that.
SELECT a.*, l.published_at FROM activities a LEFT JOIN log l ON l.position = a.position
WHERE a.seq IN (
  SELECT seq FROM (SELECT seq FROM activities WHERE activity_id = :text ORDER BY seq DESC LIMIT 20) AS own
  UNION SELECT seq FROM (SELECT seq FROM activities WHERE object_id = :text ORDER BY seq DESC LIMIT 20) AS newest
  UNION SELECT seq FROM (SELECT seq FROM activities WHERE object_id = :text ORDER BY seq LIMIT 4) AS oldest
  UNION SELECT :seq)
ORDER BY a.seq DESC;

-- name: rename_activity!
-- What the activity is about turned out to be another object than it names.
UPDATE activities SET object_id = :object_id WHERE seq = :seq;

-- name: objects_of
-- The objects that are gone with an object, or with an actor that is gone itself.
SELECT DISTINCT object_id FROM activities WHERE object_id = :object_id OR actor = :whose;

-- name: withdraw_activities!
-- Its server deleted the object, or the actor: what is not yet published never will be.
UPDATE activities SET state = 'withdrawn'
WHERE (object_id = :object_id OR actor = :whose) AND state IN ('screening', 'deferred', 'held');

-- name: renew_activities!
-- Its server changed the object before it was published: it is screened as it is now, and announced, because the
-- bytes that came first are no longer what is meant. What a peer announced is fetched anew anyway.
UPDATE activities SET body = CASE kind WHEN 'Announce' THEN body ELSE :body END, state = 'screening', due_at = :now,
  attempts = attempts + 1, proven = NULL, forward_until = NULL
WHERE object_id = :object_id AND kind IN ('Create', 'Announce') AND state IN ('screening', 'deferred', 'held');

-- name: renew_holds!
-- What was held is screened as it is now: nobody needs to look at what it was.
UPDATE holds SET state = 'withdrawn', decided_at = :at, decided_by = 'origin'
WHERE state = 'open' AND seq IN
  (SELECT seq FROM activities WHERE object_id = :object_id AND state IN ('screening', 'withdrawn'));

-- name: supersede_updates!
-- A newer version came while an older one waited.
UPDATE activities SET state = 'withdrawn'
WHERE object_id = :object_id AND kind = 'Update' AND state IN ('screening', 'deferred', 'held');

-- name: blank_activities!
-- Its server deleted the object: its text is not kept any longer.
UPDATE activities SET body = :body, proven = NULL WHERE object_id = :object_id OR actor = :whose;

-- name: forget_activities!
-- Forget activities that are done and older than retention.
DELETE FROM activities WHERE received_at < :before AND state NOT IN ('screening', 'deferred', 'held');

-- name: forget_activity_media!
-- Forget media lines of activities that are gone.
DELETE FROM activity_media WHERE seq NOT IN (SELECT seq FROM activities);

-- name: count_activities
-- Activities by state since a time.
SELECT state, count(*) AS n FROM activities WHERE received_at >= :since GROUP BY state;

-- name: forget_decisions!
-- Forget decisions that nothing refers to any more.
DELETE FROM decisions WHERE at < :before AND seq NOT IN (SELECT seq FROM activities);

-- name: forget_holds!
-- Forget holds that are settled and whose activity is gone.
DELETE FROM holds WHERE state <> 'open' AND seq NOT IN (SELECT seq FROM activities);

-- name: add_decisions*!
-- Write decisions with their reasons.
INSERT INTO decisions (seq, at, verb, effective, rule, reason, policy, facts, trace)
VALUES (:seq, :at, :verb, :effective, :rule, :reason, :policy, :facts, :trace);

-- name: decisions_of
-- All decisions about one activity, oldest first.
SELECT * FROM decisions WHERE seq = :seq ORDER BY id;

-- name: count_decisions
-- Decisions by verb, reason and whether they were carried out, since a time.
SELECT verb, effective, reason, count(*) AS n FROM decisions WHERE at >= :since GROUP BY verb, effective, reason;

-- name: add_holds*!
-- Put activities into quarantine.
INSERT INTO holds (seq, reason, rule, created_at, state) VALUES (:seq, :reason, :rule, :created_at, 'open')
ON CONFLICT (seq) DO UPDATE SET reason = excluded.reason, rule = excluded.rule, state = 'open';

-- name: holds_in
-- Holds in a state, newest first, with what they hold.
SELECT h.*, a.activity_id, a.kind, a.actor, a.server, a.object_id, a.body, a.received_at, a.proven, a.forward_until
FROM holds h JOIN activities a ON a.seq = h.seq
WHERE h.state = :state ORDER BY h.id DESC LIMIT :most;

-- name: hold_by_id^
-- One hold with what it holds.
SELECT h.*, a.activity_id, a.kind, a.actor, a.server, a.object_id, a.body, a.received_at, a.proven, a.forward_until
FROM holds h JOIN activities a ON a.seq = h.seq WHERE h.id = :id;

-- name: open_hold_of$
-- The number of the open hold of an activity.
SELECT id FROM holds WHERE seq = :seq AND state = 'open';

-- name: long_held^
-- How many holds are open since before a time, the newest of them and its time.
SELECT count(*) AS n, max(id) AS newest, max(created_at) AS at FROM holds WHERE state = 'open' AND created_at <= :before;

-- name: hold_of^
-- What became of an activity that was held.
SELECT id, state, created_at, decided_at, decided_by, note FROM holds WHERE seq = :seq;

-- name: settle_hold!
-- Write what became of an open hold.
UPDATE holds SET state = :state, decided_at = :at, decided_by = :who, note = :note WHERE id = :id AND state = 'open';

-- name: withdraw_holds!
-- Its server deleted the object: nobody needs to look at it.
UPDATE holds SET state = 'withdrawn', decided_at = :at, decided_by = 'origin'
WHERE state = 'open' AND seq IN
  (SELECT seq FROM activities WHERE object_id = :object_id OR actor = :whose);

-- name: count_holds
-- Holds by state.
SELECT state, count(*) AS n FROM holds GROUP BY state;
