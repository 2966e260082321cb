-- Brakes: waves of spam that the relay noticed, incidents that the operator declared, and what they stopped.

-- `cover` tells what it is about and `evidence` the numbers that showed it, both as JSON; `before` are the ids of posts
-- that had been decided by then.
CREATE TABLE brakes (
  id {serial},
  kind TEXT NOT NULL,
  cover TEXT NOT NULL,
  verb TEXT NOT NULL,
  observed INTEGER NOT NULL,
  state TEXT NOT NULL,
  started_at DOUBLE PRECISION NOT NULL,
  until DOUBLE PRECISION NOT NULL,
  latest DOUBLE PRECISION NOT NULL,
  who TEXT NOT NULL,
  note TEXT NOT NULL,
  evidence TEXT NOT NULL,
  before TEXT NOT NULL,
  ended_at DOUBLE PRECISION,
  ended_by TEXT
);
CREATE INDEX brakes_state ON brakes (state);

-- What a brake stopped. `state`: open while it waits, then released, purged or left; observed for what was not stopped.
CREATE TABLE braked (
  seq BIGINT PRIMARY KEY,
  brake BIGINT NOT NULL,
  state TEXT NOT NULL
);
CREATE INDEX braked_brake ON braked (brake, state, seq);

-- When an account was seen first whose own document does not say since when it exists.
CREATE TABLE accounts_seen (
  actor TEXT PRIMARY KEY,
  first_seen_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX accounts_seen_at ON accounts_seen (first_seen_at);
