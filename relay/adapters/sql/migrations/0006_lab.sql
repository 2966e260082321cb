-- The lab: temporary inboxes with what came to them, and reports. Everything here ends by itself.

-- Temporary actors, each with a key of its own that is worth nothing once the row is gone.
CREATE TABLE lab_inboxes (
  token TEXT PRIMARY KEY,
  private_pem TEXT NOT NULL,
  public_pem TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL,
  dropped BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX lab_inboxes_end ON lab_inboxes (expires_at);

-- Requests as they came, to be shown to whoever knows the token. `seen` is JSON, NULL until somebody looked at it.
CREATE TABLE lab_deliveries (
  id {serial},
  token TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  target TEXT NOT NULL,
  headers TEXT NOT NULL,
  body {bytes} NOT NULL,
  seen TEXT
);
CREATE INDEX lab_deliveries_inbox ON lab_deliveries (token, id);
CREATE INDEX lab_deliveries_unseen ON lab_deliveries (id) WHERE seen IS NULL;

-- Reports of runs, in the lab's JSON form.
CREATE TABLE lab_reports (
  token TEXT PRIMARY KEY,
  document {bytes} NOT NULL,
  seen_here BOOLEAN NOT NULL,
  listed BOOLEAN NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL,
  role TEXT NOT NULL,
  target TEXT NOT NULL,
  grade TEXT NOT NULL
);
CREATE INDEX lab_reports_end ON lab_reports (expires_at);
