-- Alerts for people, and the messages that they are summed up in.

-- One row per message to a channel. `state` is open (takes further alerts), sealed (on its way), sent or given-up; `count`
-- is the number of its alerts, of which the first are kept; `sealed_at` is when it was first tried.
CREATE TABLE alert_messages (
  id {serial},
  key TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  count BIGINT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  due_at DOUBLE PRECISION NOT NULL,
  sealed_at DOUBLE PRECISION,
  done_at DOUBLE PRECISION,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT
);
CREATE INDEX alert_messages_work ON alert_messages (due_at) WHERE state IN ('open', 'sealed');
CREATE INDEX alert_messages_channel ON alert_messages (channel, kind, state);

-- What a message says. `once`: the channel is told of it once.
CREATE TABLE alerts (
  id {serial},
  message BIGINT NOT NULL,
  channel TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  about TEXT NOT NULL,
  once TEXT
);
CREATE INDEX alerts_message ON alerts (message);
CREATE UNIQUE INDEX alerts_once ON alerts (channel, once) WHERE once IS NOT NULL;
