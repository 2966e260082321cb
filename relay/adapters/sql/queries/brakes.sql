-- name: add_brake<!
-- Put a brake on; return its number.
INSERT INTO brakes (kind, cover, verb, observed, state, started_at, until, latest, who, note, evidence, before,
  ended_at, ended_by)
VALUES (:kind, :cover, :verb, :observed, :state, :started_at, :until, :latest, :who, :note, :evidence, :before,
  :ended_at, :ended_by)
RETURNING id;

-- name: save_brake!
-- Write what changes of a brake.
UPDATE brakes SET verb = :verb, state = :state, until = :until, latest = :latest, ended_at = :ended_at,
  ended_by = :ended_by
WHERE id = :id;

-- name: brake_by_id^
-- One brake.
SELECT * FROM brakes WHERE id = :id;

-- name: brakes_in_force
-- Brakes that are on, and those that ended after a time, oldest first.
SELECT * FROM brakes WHERE state = 'active' OR ended_at > :since ORDER BY id;

-- name: newest_brakes
-- The newest brakes of some kinds (a JSON array).
SELECT * FROM brakes WHERE kind IN (SELECT value FROM json_each(:kinds)) ORDER BY id DESC LIMIT :most;

-- name: unfinished_brakes
-- Brakes that a person released while something they stopped still waits, or ended while something is deferred.
SELECT * FROM brakes k WHERE k.ended_by IS NOT NULL AND k.state <> 'active' AND EXISTS
  (SELECT 1 FROM braked b JOIN activities a ON a.seq = b.seq
   WHERE b.brake = k.id AND b.state = 'open' AND (a.state = 'deferred' OR (a.state = 'held' AND k.state = 'released')))
ORDER BY k.id;

-- name: add_braked*!
-- Note what a brake stopped, or would have.
INSERT INTO braked (seq, brake, state) VALUES (:seq, :brake, :state)
ON CONFLICT (seq) DO UPDATE SET brake = excluded.brake, state = excluded.state;

-- name: leave_brake*!
-- It was decided without a brake: none waits for it any more.
UPDATE braked SET state = 'left' WHERE seq = :seq AND state = 'open';

-- name: count_braked
-- What some brakes (a JSON array) stopped, by what became of it.
SELECT b.brake, b.state, coalesce(a.state, 'gone') AS now, count(*) AS n
FROM braked b LEFT JOIN activities a ON a.seq = b.seq
WHERE b.brake IN (SELECT CAST(value AS BIGINT) FROM json_each(:brakes)) GROUP BY b.brake, b.state, now;

-- name: waiting_of_brake
-- What a brake stopped and still waits, oldest first; with what is held for a person or without.
SELECT a.seq, a.state, a.kind, a.actor, a.server, a.object_id, a.received_at
FROM braked b JOIN activities a ON a.seq = b.seq
WHERE b.brake = :brake AND b.state = 'open' AND (a.state = 'deferred' OR (a.state = 'held' AND :held))
ORDER BY b.seq LIMIT :most;

-- name: purged_of_brake
-- What was dropped with a brake and is not forgotten yet, oldest first.
SELECT a.seq, a.state, a.kind, a.actor, a.server, a.object_id, a.received_at
FROM braked b JOIN activities a ON a.seq = b.seq
WHERE b.brake = :brake AND b.state = 'purged' AND a.state = 'dropped'
ORDER BY b.seq LIMIT :most;

-- name: screen_again*!
-- Let an activity go through the policy again at a time.
UPDATE activities SET state = 'screening', due_at = :due_at WHERE seq = :seq;

-- name: drop_activities*!
-- Never publish an activity.
UPDATE activities SET state = 'dropped', due_at = 0 WHERE seq = :seq;

-- name: close_braked*!
-- Write what became of what a brake stopped.
UPDATE braked SET state = :state WHERE seq = :seq;

-- name: close_holds*!
-- Write what became of the holds of activities.
UPDATE holds SET state = :state, decided_at = :at, decided_by = :who, note = :note WHERE seq = :seq AND state = 'open';

-- name: delay_braked!
-- A brake lasts longer: so does what it deferred.
UPDATE activities SET due_at = due_at + :seconds
WHERE state = 'deferred' AND seq IN (SELECT seq FROM braked WHERE brake = :brake AND state = 'open');

-- name: holds_of_brake
-- Holds in a state that are due to a brake, newest first, with what they hold.
SELECT h.*, a.activity_id, a.kind, a.actor, a.server, a.object_id, a.body, a.received_at, a.proven, a.forward_until
FROM braked b JOIN holds h ON h.seq = b.seq JOIN activities a ON a.seq = b.seq
WHERE b.brake = :brake AND h.state = :state ORDER BY h.id DESC LIMIT :most;

-- name: forget_braked!
-- Forget what was stopped and is forgotten itself.
DELETE FROM braked WHERE seq NOT IN (SELECT seq FROM activities);

-- name: forget_brakes!
-- Forget brakes that ended long ago and hold nothing.
DELETE FROM brakes WHERE state <> 'active' AND ended_at < :before AND id NOT IN (SELECT brake FROM braked);

-- name: first_server$
-- When the relay first heard of any server.
SELECT min(first_seen_at) FROM servers;

-- name: account_seen$
-- When an account was seen first.
SELECT first_seen_at FROM accounts_seen WHERE actor = :actor;

-- name: see_accounts*!
-- Note when accounts were seen first; the first time stays.
INSERT INTO accounts_seen (actor, first_seen_at) VALUES (:actor, :at) ON CONFLICT DO NOTHING;

-- name: trim_accounts!
-- Forget the accounts that were seen first longest ago, down to a number.
DELETE FROM accounts_seen WHERE actor IN
  (SELECT actor FROM accounts_seen ORDER BY first_seen_at DESC LIMIT -1 OFFSET :most);
