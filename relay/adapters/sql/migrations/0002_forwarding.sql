-- What may be passed on to the letter, and the relays that this one follows.

-- How the bytes of an activity were proven to be its actor's ('ld', 'proof'; NULL: not), and until when.
ALTER TABLE activities ADD COLUMN proven TEXT;
ALTER TABLE activities ADD COLUMN forward_until DOUBLE PRECISION;
-- An actor that is deleted takes everything with it.
CREATE INDEX activities_actor ON activities (actor);
CREATE INDEX log_seq ON log (seq);

-- The exact bytes beside the Announce. An empty `body` means that there is no Announce.
ALTER TABLE log ADD COLUMN forward {bytes};
ALTER TABLE log ADD COLUMN forward_digest TEXT;
ALTER TABLE log ADD COLUMN forward_by TEXT;
ALTER TABLE log ADD COLUMN forward_until DOUBLE PRECISION;

-- Relays that this one follows; `inbox` is NULL until its actor was fetched.
CREATE TABLE upstreams (
  actor TEXT PRIMARY KEY,
  server TEXT NOT NULL,
  inbox TEXT,
  dialect TEXT NOT NULL,
  state TEXT NOT NULL,
  follow_id TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  changed_at DOUBLE PRECISION NOT NULL,
  error TEXT
);
