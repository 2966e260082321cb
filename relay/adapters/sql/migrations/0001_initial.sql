-- What the relay keeps. Times are seconds since the epoch; JSON columns hold what only people and replays read.

-- Dedupe and loop guard: activity ids and loop keys, kept as long as the log.
CREATE TABLE seen (
  key TEXT PRIMARY KEY,
  at DOUBLE PRECISION NOT NULL
);
CREATE INDEX seen_at ON seen (at);

-- Every activity that was accepted, as its exact bytes, until retention ends.
CREATE TABLE activities (
  seq {serial},
  activity_id TEXT,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  server TEXT NOT NULL,
  object_id TEXT NOT NULL,
  body {bytes} NOT NULL,
  received_at DOUBLE PRECISION NOT NULL,
  tokens TEXT NOT NULL,
  state TEXT NOT NULL,
  due_at DOUBLE PRECISION NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  position BIGINT
);
CREATE INDEX activities_work ON activities (due_at) WHERE state IN ('screening', 'deferred');
CREATE INDEX activities_object ON activities (object_id);
CREATE INDEX activities_id ON activities (activity_id);
CREATE INDEX activities_received ON activities (received_at);

-- The media items of an activity and what became of each.
CREATE TABLE activity_media (
  seq BIGINT NOT NULL,
  place INTEGER NOT NULL,
  url TEXT NOT NULL,
  kind TEXT NOT NULL,
  digest TEXT,
  outcome TEXT NOT NULL,
  reason TEXT,
  attestation TEXT NOT NULL,
  issuer TEXT,
  matches TEXT NOT NULL,
  PRIMARY KEY (seq, place)
);
CREATE INDEX activity_media_digest ON activity_media (digest);

-- Facts about bytes, by digest; never the bytes.
CREATE TABLE media (
  digest TEXT PRIMARY KEY,
  sha1 TEXT NOT NULL,
  md5 TEXT NOT NULL,
  size BIGINT NOT NULL,
  media_type TEXT,
  width INTEGER,
  height INTEGER,
  frames TEXT NOT NULL,
  undecodable TEXT,
  outcome TEXT NOT NULL,
  reason TEXT,
  matches TEXT NOT NULL,
  versions TEXT NOT NULL,
  first_seen_at DOUBLE PRECISION NOT NULL,
  scanned_at DOUBLE PRECISION NOT NULL
);

-- Our own attestations, one per digest. A row without jws is withheld on purpose.
CREATE TABLE attestations (
  digest TEXT PRIMARY KEY,
  jws TEXT,
  issued_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL,
  retracted_at DOUBLE PRECISION
);

-- Every decision with its reasons: what `why` and replay read.
CREATE TABLE decisions (
  id {serial},
  seq BIGINT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  verb TEXT NOT NULL,
  effective TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  policy TEXT NOT NULL,
  facts TEXT NOT NULL,
  trace TEXT NOT NULL
);
CREATE INDEX decisions_seq ON decisions (seq);
CREATE INDEX decisions_at ON decisions (at);

-- What waits for a person.
CREATE TABLE holds (
  id {serial},
  seq BIGINT NOT NULL UNIQUE,
  reason TEXT NOT NULL,
  rule TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  state TEXT NOT NULL,
  decided_at DOUBLE PRECISION,
  decided_by TEXT,
  note TEXT
);
CREATE INDEX holds_state ON holds (state, id);

-- What was published, once for all subscribers.
CREATE TABLE log (
  position {serial},
  seq BIGINT NOT NULL,
  object_id TEXT NOT NULL,
  origins TEXT NOT NULL,
  body {bytes} NOT NULL,
  digest TEXT NOT NULL,
  attestations TEXT,
  published_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX log_published ON log (published_at);
CREATE INDEX log_object ON log (object_id);

-- Named numbers of the fan-out: 'watermark' (where the pack stands), 'pruned' (the log starts after it).
CREATE TABLE marks (
  name TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);

CREATE TABLE subscriptions (
  id {serial},
  actor TEXT NOT NULL UNIQUE,
  server TEXT NOT NULL,
  inbox TEXT NOT NULL,
  dialect TEXT NOT NULL,
  state TEXT NOT NULL,
  follow TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  changed_at DOUBLE PRECISION NOT NULL,
  reason TEXT,
  back TEXT NOT NULL,
  back_id TEXT,
  cursor BIGINT,
  delivered BIGINT NOT NULL DEFAULT 0,
  refused BIGINT NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX subscriptions_server ON subscriptions (server);

-- Positions that failed while others succeeded, each with its own retry.
CREATE TABLE stragglers (
  subscription BIGINT NOT NULL,
  position BIGINT NOT NULL,
  attempts INTEGER NOT NULL,
  due_at DOUBLE PRECISION NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (subscription, position)
);

-- What a subscriber will never get, because it was away for longer than the log is kept.
CREATE TABLE gaps (
  subscription BIGINT NOT NULL,
  first BIGINT NOT NULL,
  last BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  recorded_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (subscription, first)
);

-- Health of servers that we deliver to.
CREATE TABLE hosts (
  server TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  retry_at DOUBLE PRECISION NOT NULL,
  error TEXT,
  failing_since DOUBLE PRECISION,
  succeeded_at DOUBLE PRECISION
);

-- Accept, Reject, Follow and Undo on their way, each retried for days.
CREATE TABLE letters (
  id {serial},
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  inbox TEXT NOT NULL,
  body {bytes} NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  due_at DOUBLE PRECISION NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT
);
CREATE INDEX letters_due ON letters (due_at);

-- Actor documents and public keys of others, with the time they were fetched.
CREATE TABLE actors (
  id TEXT PRIMARY KEY,
  document {bytes} NOT NULL,
  fetched_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  actor TEXT NOT NULL,
  pem TEXT NOT NULL,
  fetched_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX keys_actor ON keys (actor);
CREATE INDEX keys_fetched ON keys (fetched_at);

-- Hash lists: entries come in batches, so that a batch can be undone.
CREATE TABLE list_batches (
  id {serial},
  list TEXT NOT NULL,
  source TEXT NOT NULL,
  imported_at DOUBLE PRECISION NOT NULL,
  entries BIGINT NOT NULL
);
CREATE TABLE list_entries (
  list TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  value TEXT NOT NULL,
  category TEXT NOT NULL,
  source TEXT NOT NULL,
  note TEXT NOT NULL,
  batch BIGINT NOT NULL,
  PRIMARY KEY (list, algorithm, value)
);
CREATE INDEX list_entries_batch ON list_entries (batch);

-- Who changed what.
CREATE TABLE audit (
  id {serial},
  at DOUBLE PRECISION NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);
