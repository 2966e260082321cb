-- name: alert_told$
-- Whether a channel was told of something before.
SELECT count(*) FROM alerts WHERE channel = :channel AND once = :once;

-- name: open_alert_message^
-- The message of a channel and kind that takes further alerts.
SELECT id, count FROM alert_messages WHERE channel = :channel AND kind = :kind AND state = 'open';

-- name: add_alert_message<!
-- Write a new message; it falls due a while after the last one of its kind was first tried.
INSERT INTO alert_messages (key, channel, kind, state, count, created_at, due_at)
VALUES (:key, :channel, :kind, 'open', 0, :at, (SELECT max(due_at) FROM (SELECT :at AS due_at UNION ALL
  SELECT sealed_at + :quiet FROM alert_messages WHERE channel = :channel AND kind = :kind) AS times))
RETURNING id;

-- name: count_alert!
-- One more alert belongs to a message.
UPDATE alert_messages SET count = count + 1 WHERE id = :id;

-- name: add_alert!
-- Write what happened.
INSERT INTO alerts (message, channel, at, title, text, about, once)
VALUES (:message, :channel, :at, :title, :text, :about, :once);

-- name: due_alert_messages
-- Messages that are due, oldest first; none of a channel and kind of which another one is on its way.
SELECT m.* FROM alert_messages m
WHERE m.state IN ('open', 'sealed') AND m.due_at <= :now AND NOT EXISTS
  (SELECT 1 FROM alert_messages o
   WHERE o.channel = m.channel AND o.kind = m.kind AND o.state = 'sealed' AND o.id < m.id)
ORDER BY m.due_at, m.id LIMIT :most;

-- name: next_alert_message$
-- When the next message falls due.
SELECT min(m.due_at) FROM alert_messages m
WHERE m.state IN ('open', 'sealed') AND NOT EXISTS
  (SELECT 1 FROM alert_messages o
   WHERE o.channel = m.channel AND o.kind = m.kind AND o.state = 'sealed' AND o.id < m.id);

-- name: claim_alert_message!
-- Take a message: it stays as it is, and falls due again when nobody finishes it.
UPDATE alert_messages SET state = 'sealed', sealed_at = coalesce(sealed_at, :now), due_at = :until,
  attempts = attempts + 1
WHERE id = :id;

-- name: alerts_in
-- What a message says.
SELECT * FROM alerts WHERE message = :id ORDER BY id;

-- name: settle_alert_message!
-- A message arrived, or is given up.
UPDATE alert_messages SET state = :state, done_at = :at, error = :error WHERE id = :id;

-- name: delay_alert_message!
-- A message failed and is tried again.
UPDATE alert_messages SET due_at = :due_at, error = :error WHERE id = :id;

-- name: hurry_alert_messages!
-- Try what waits now; the first attempt at what was given up counts as the first again.
UPDATE alert_messages SET due_at = :now, done_at = NULL,
  sealed_at = CASE state WHEN 'given-up' THEN :now ELSE sealed_at END,
  state = CASE state WHEN 'given-up' THEN 'sealed' ELSE state END
WHERE state IN ('open', 'sealed', 'given-up') AND (channel = :channel OR :channel IS NULL);

-- name: recent_alert_messages
-- The newest messages with the title of their first alert, newest first.
SELECT m.*, (SELECT a.title FROM alerts a WHERE a.message = m.id ORDER BY a.id LIMIT 1) AS title
FROM alert_messages m ORDER BY m.id DESC LIMIT :most;

-- name: count_alert_messages
-- Messages by channel and state.
SELECT channel, state, count(*) AS n FROM alert_messages GROUP BY channel, state;

-- name: forget_alert_messages!
-- Forget messages that ended long ago.
DELETE FROM alert_messages WHERE state IN ('sent', 'given-up') AND done_at < :before;

-- name: forget_alerts!
-- Forget what messages said that are gone.
DELETE FROM alerts WHERE message NOT IN (SELECT id FROM alert_messages);
