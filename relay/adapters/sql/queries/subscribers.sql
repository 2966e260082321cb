-- name: all_subscriptions
-- Every subscription, oldest first.
SELECT * FROM subscriptions ORDER BY id;

-- name: subscription_by_actor^
-- The subscription of an actor.
SELECT * FROM subscriptions WHERE actor = :actor;

-- name: subscription_by_id^
-- One subscription.
SELECT * FROM subscriptions WHERE id = :id;

-- name: add_subscription<!
-- A new subscription.
INSERT INTO subscriptions (actor, server, inbox, dialect, state, follow, created_at, changed_at, reason, back, back_id, cursor)
VALUES (:actor, :server, :inbox, :dialect, :state, :follow, :now, :now, :reason, :back, :back_id, :cursor)
RETURNING id;

-- name: save_subscription!
-- Write a subscription's state, its newest Follow and our Follow of it.
UPDATE subscriptions SET inbox = :inbox, dialect = :dialect, state = :state, follow = :follow, changed_at = :now,
  reason = :reason, back = :back, back_id = :back_id WHERE id = :id;

-- name: set_profile!
-- Write what a subscriber wants.
UPDATE subscriptions SET profile = :profile, profile_since = :since, profile_locked = :locked WHERE id = :id;

-- name: leave_profile!
-- Keep the profile of a subscription that ends, if it chose anything.
INSERT INTO left_profiles (actor, profile, locked) SELECT actor, profile, profile_locked FROM subscriptions
WHERE id = :id AND (profile IS NOT NULL OR profile_locked = 1)
ON CONFLICT (actor) DO UPDATE SET profile = excluded.profile, locked = excluded.locked;

-- name: find_profile!
-- Give a new subscription the profile that its actor left; nothing when there is none.
UPDATE subscriptions SET profile = p.profile, profile_locked = p.locked, profile_since = :since
FROM left_profiles p WHERE subscriptions.id = :id AND p.actor = subscriptions.actor;

-- name: drop_left_profile!
-- Forget what an actor left.
DELETE FROM left_profiles WHERE actor = :actor;

-- name: trim_left_profiles!
-- Forget the oldest of what was left, of what is too much; what operators fixed stays.
DELETE FROM left_profiles WHERE actor IN
  (SELECT actor FROM left_profiles WHERE locked = 0 ORDER BY rowid DESC LIMIT -1 OFFSET :most);

-- name: remove_skipped!
-- Forget what a subscription did not get.
DELETE FROM skipped WHERE subscription = :id;

-- name: place_cursor!
-- Put a subscriber at a position of the log.
UPDATE subscriptions SET cursor = :cursor WHERE id = :id;

-- name: remove_subscription!
-- Forget a subscription.
DELETE FROM subscriptions WHERE id = :id;

-- name: remove_stragglers!
-- Forget what waited for a subscription.
DELETE FROM stragglers WHERE subscription = :id;

-- name: remove_gaps!
-- Forget the gaps of a subscription.
DELETE FROM gaps WHERE subscription = :id;

-- name: add_letter*!
-- Put a message on its way.
INSERT INTO letters (kind, actor, inbox, body, created_at, due_at) VALUES (:kind, :actor, :inbox, :body, :now, :now);

-- name: due_letters
-- Messages that are due; leased by moving their due time.
SELECT * FROM letters WHERE due_at <= :now ORDER BY due_at, id LIMIT :most;

-- name: lease_letters*!
-- Take messages until a time.
UPDATE letters SET due_at = :until, attempts = attempts + 1 WHERE id = :id;

-- name: next_due_letter$
-- When the next message falls due.
SELECT min(due_at) FROM letters;

-- name: drop_letter!
-- A message arrived, or is given up.
DELETE FROM letters WHERE id = :id;

-- name: drop_letters_to!
-- Older messages of these kinds to an actor are out of date.
DELETE FROM letters WHERE actor = :actor AND kind IN (SELECT value FROM json_each(:kinds));

-- name: delay_letter!
-- A message failed and is tried again.
UPDATE letters SET due_at = :due_at, error = :error WHERE id = :id;

-- name: letters_to
-- Messages on their way to an actor.
SELECT id, kind, created_at, due_at, attempts, error FROM letters WHERE actor = :actor ORDER BY id;

-- name: actor_by_id^
-- A stored actor document.
SELECT * FROM actors WHERE id = :id;

-- name: save_actor!
-- Store an actor document.
INSERT INTO actors (id, document, fetched_at) VALUES (:id, :document, :at)
ON CONFLICT (id) DO UPDATE SET document = excluded.document, fetched_at = excluded.fetched_at;

-- name: key_by_id^
-- A stored public key.
SELECT * FROM keys WHERE id = :id;

-- name: save_key!
-- Store a public key.
INSERT INTO keys (id, actor, pem, fetched_at) VALUES (:id, :actor, :pem, :at)
ON CONFLICT (id) DO UPDATE SET actor = excluded.actor, pem = excluded.pem, fetched_at = excluded.fetched_at;

-- name: forget_keys!
-- Forget keys that were not fetched again for long.
DELETE FROM keys WHERE fetched_at < :before;

-- name: forget_actors!
-- Forget actor documents that were not fetched again for long.
DELETE FROM actors WHERE fetched_at < :before AND id NOT IN (SELECT actor FROM subscriptions);

-- name: trim_keys!
-- Forget the oldest keys of what is too much; not those of subscribers.
DELETE FROM keys WHERE id IN (SELECT id FROM keys WHERE actor NOT IN (SELECT actor FROM subscriptions)
  ORDER BY fetched_at DESC, id LIMIT -1 OFFSET :most);

-- name: trim_actors!
-- Forget the oldest actor documents of what is too much; not those of subscribers.
DELETE FROM actors WHERE id IN (SELECT id FROM actors WHERE id NOT IN (SELECT actor FROM subscriptions)
  ORDER BY fetched_at DESC, id LIMIT -1 OFFSET :most);

-- name: forget_hosts!
-- Forget the health of servers that do not subscribe any more, and of inboxes that are not gone any more.
DELETE FROM hosts WHERE server NOT IN (SELECT server FROM subscriptions)
  AND server NOT IN (SELECT inbox FROM subscriptions WHERE state = 'unreachable');

-- name: trim_audit!
-- Forget the oldest of what other servers did, of what is too much; what operators did stays.
DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE who LIKE 'http%' ORDER BY id DESC LIMIT -1 OFFSET :most);

-- name: count_subscriptions$
-- How many subscriptions a server has.
SELECT count(*) FROM subscriptions WHERE server = :server;

-- name: add_audit!
-- Write down who changed what.
INSERT INTO audit (at, who, action, subject, detail) VALUES (:at, :who, :action, :subject, :detail);
