-- Media submitted to be attested, our keys for it, and the lists that say which attestations were retracted.

-- Submissions, each until a while after its answer. Never the bytes: who submitted bytes and meets a restart asks again.
CREATE TABLE submissions (
  id TEXT PRIMARY KEY,
  server TEXT NOT NULL,
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT,
  url TEXT,
  received_at DOUBLE PRECISION NOT NULL,
  due_at DOUBLE PRECISION NOT NULL,
  wait DOUBLE PRECISION NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  shown_at DOUBLE PRECISION,
  attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX submissions_key ON submissions (server, key);
CREATE INDEX submissions_work ON submissions (due_at) WHERE state = 'waiting';
CREATE INDEX submissions_received ON submissions (received_at);

-- Submitted files that are on a list: facts for the operator, one row per server and digest.
CREATE TABLE findings (
  id {serial},
  server TEXT NOT NULL,
  actor TEXT NOT NULL,
  digest TEXT NOT NULL,
  outcome TEXT NOT NULL,
  matches TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  first_at DOUBLE PRECISION NOT NULL,
  last_at DOUBLE PRECISION NOT NULL,
  times BIGINT NOT NULL,
  closed_at DOUBLE PRECISION,
  closed_by TEXT,
  note TEXT,
  UNIQUE (server, digest)
);

-- Attestation keys that are not simply in use. `public` is base64 of the 32 bytes: a revoked key has no file any more.
-- `listed_until` is when the last attestation made with it has ended.
CREATE TABLE attestation_keys (
  name TEXT PRIMARY KEY,
  public TEXT NOT NULL,
  retired_at DOUBLE PRECISION,
  revoked_at DOUBLE PRECISION,
  listed_until DOUBLE PRECISION NOT NULL
);

-- Which key an attestation was made with; NULL for those made before this was noted.
ALTER TABLE attestations ADD COLUMN key TEXT;

-- The index of each attestation in a status list, until the attestation has ended.
CREATE TABLE status_indexes (
  list BIGINT NOT NULL,
  idx BIGINT NOT NULL,
  digest TEXT NOT NULL,
  key TEXT NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL,
  retracted_at DOUBLE PRECISION,
  PRIMARY KEY (list, idx)
);
CREATE INDEX status_indexes_digest ON status_indexes (digest);
