-- Every policy that was in force, and what was asked of the running relay.

-- One row for each version; rows are never changed. `record` is JSON of all by which the policy decides, without what its
-- lists hold. `salt` is base64 and nobody's but the operator's. `statement` is the signed one and names the one before.
CREATE TABLE policy_versions (
  number BIGINT PRIMARY KEY,
  policy TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  note TEXT NOT NULL,
  place TEXT NOT NULL,
  text TEXT NOT NULL,
  preset TEXT,
  expanded TEXT,
  record TEXT NOT NULL,
  salt TEXT NOT NULL,
  statement TEXT NOT NULL
);

-- Questions to read the configuration again; `answer` is JSON, NULL until the relay did.
CREATE TABLE reloads (
  id {serial},
  asked_at DOUBLE PRECISION NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  note TEXT NOT NULL,
  digest TEXT,
  answered_at DOUBLE PRECISION,
  answer TEXT
);
