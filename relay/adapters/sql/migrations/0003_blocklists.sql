-- Servers that are not wanted: what lists say, what of it is in force, who opted out; and what is known about servers.

-- Every blocklist that was ever configured, and how its refreshes go. `cursor` is where a feed goes on, `etag` and
-- `modified` save a download when nothing changed.
CREATE TABLE blocklists (
  name TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  etag TEXT NOT NULL DEFAULT '',
  modified TEXT NOT NULL DEFAULT '',
  cursor TEXT NOT NULL DEFAULT '',
  loaded_at DOUBLE PRECISION,
  checked_at DOUBLE PRECISION,
  next_at DOUBLE PRECISION NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  obfuscated BIGINT NOT NULL DEFAULT 0,
  unusable BIGINT NOT NULL DEFAULT 0,
  observed BIGINT NOT NULL DEFAULT 0
);

-- What a source says, as it was read last. A feed is applied to it.
CREATE TABLE blocklist_source (
  list TEXT NOT NULL,
  server TEXT NOT NULL,
  effect TEXT NOT NULL,
  severity TEXT NOT NULL,
  comment TEXT NOT NULL,
  ref TEXT NOT NULL,
  PRIMARY KEY (list, server)
);

-- What is in force.
CREATE TABLE blocklist_entries (
  list TEXT NOT NULL,
  server TEXT NOT NULL,
  effect TEXT NOT NULL,
  severity TEXT NOT NULL,
  comment TEXT NOT NULL,
  ref TEXT NOT NULL,
  batch BIGINT NOT NULL,
  PRIMARY KEY (list, server)
);
CREATE INDEX blocklist_entries_server ON blocklist_entries (server);

-- Every refresh that changed something, or would. `changes` is JSON: server, entry before, entry after.
CREATE TABLE blocklist_batches (
  id {serial},
  list TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  who TEXT NOT NULL,
  source TEXT NOT NULL,
  state TEXT NOT NULL,
  gained BIGINT NOT NULL,
  lost BIGINT NOT NULL,
  changes TEXT NOT NULL,
  decided_at DOUBLE PRECISION,
  decided_by TEXT
);
CREATE INDEX blocklist_batches_list ON blocklist_batches (list, id);

-- What a person undid or refused: it does not come back until the source changes its mind. `effect` is empty for
-- "not on the list".
CREATE TABLE blocklist_kept_back (
  list TEXT NOT NULL,
  server TEXT NOT NULL,
  effect TEXT NOT NULL,
  PRIMARY KEY (list, server, effect)
);

-- Who blocked the relay. `whole_server`: an actor that stands for its server.
CREATE TABLE opt_outs (
  actor TEXT PRIMARY KEY,
  server TEXT NOT NULL,
  whole_server INTEGER NOT NULL,
  activity_id TEXT,
  at DOUBLE PRECISION NOT NULL
);

-- Subscriptions that the relay itself suspended, and what they were before: these end when their cause ends.
CREATE TABLE suspensions (
  subscription BIGINT PRIMARY KEY,
  cause TEXT NOT NULL,
  before TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL
);

-- What is known about servers: since when, and what they run.
CREATE TABLE servers (
  server TEXT PRIMARY KEY,
  first_seen_at DOUBLE PRECISION NOT NULL,
  seen_at DOUBLE PRECISION NOT NULL,
  software TEXT,
  version TEXT,
  fetched_at DOUBLE PRECISION,
  due_at DOUBLE PRECISION NOT NULL DEFAULT 0,
  error TEXT
);
CREATE INDEX servers_seen ON servers (seen_at);
