-- Posts that servers send by web hook to have them checked. They are never activities, so nobody can get one.

-- `key` tells a version of a post from others, for as long as its server may send it again. `post` is JSON of facts, and
-- empty once it was checked.
CREATE TABLE hooked_posts (
  id {serial},
  sender TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  post TEXT NOT NULL,
  received_at DOUBLE PRECISION NOT NULL,
  due_at DOUBLE PRECISION NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX hooked_posts_work ON hooked_posts (due_at) WHERE state = 'waiting';
CREATE INDEX hooked_posts_received ON hooked_posts (received_at);

-- What was found: facts for the operator, one row per post and what is bad in it. `items` is JSON. `flag` is what became
-- of the report to its server.
CREATE TABLE hook_findings (
  id {serial},
  key TEXT NOT NULL UNIQUE,
  sender TEXT NOT NULL,
  object_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  visibility TEXT NOT NULL,
  items TEXT NOT NULL,
  verb TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  first_at DOUBLE PRECISION NOT NULL,
  last_at DOUBLE PRECISION NOT NULL,
  times BIGINT NOT NULL,
  flag TEXT,
  closed_at DOUBLE PRECISION,
  closed_by TEXT,
  note TEXT
);

-- How often something became of what a sender sent.
CREATE TABLE hook_counts (
  sender TEXT NOT NULL,
  what TEXT NOT NULL,
  number BIGINT NOT NULL,
  last_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (sender, what)
);
