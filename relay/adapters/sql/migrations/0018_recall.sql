-- Recalls: media that came onto a list after it was relayed, who may have got it, and who was told.

-- Which parts of a list were compared with stored media, as JSON.
CREATE TABLE recall_done (
  list TEXT PRIMARY KEY,
  parts TEXT NOT NULL
);

-- One row per recall: an entry of a list. `entry` does not show it.
CREATE TABLE recalls (
  id {serial},
  list TEXT NOT NULL,
  purpose TEXT NOT NULL,
  entry TEXT NOT NULL,
  category TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  cause TEXT,
  opened_at DOUBLE PRECISION NOT NULL,
  act_at DOUBLE PRECISION,
  sent_at DOUBLE PRECISION,
  closed_at DOUBLE PRECISION,
  who TEXT NOT NULL,
  note TEXT NOT NULL
);
CREATE INDEX recalls_entry ON recalls (list, entry);
CREATE INDEX recalls_state ON recalls (state);

-- The files of a recall. `before` is what was known, as JSON (NULL: nothing), `retracted_at` when our attestation was.
CREATE TABLE recall_files (
  recall BIGINT NOT NULL,
  digest TEXT NOT NULL,
  matched TEXT NOT NULL,
  before TEXT,
  retracted_at DOUBLE PRECISION,
  stopped_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (recall, digest)
);
CREATE INDEX recall_files_digest ON recall_files (digest);

-- The posts of a recall, each place in the log. They outlive the log and the activity.
CREATE TABLE recall_posts (
  recall BIGINT NOT NULL,
  position BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  object_id TEXT NOT NULL,
  author TEXT,
  announce TEXT,
  media TEXT NOT NULL,
  published_at DOUBLE PRECISION NOT NULL,
  deleted_at DOUBLE PRECISION,
  PRIMARY KEY (recall, position)
);
CREATE INDEX recall_posts_object ON recall_posts (object_id);

-- Who may have received which post.
CREATE TABLE recall_receivers (
  recall BIGINT NOT NULL,
  position BIGINT NOT NULL,
  actor TEXT NOT NULL,
  server TEXT NOT NULL,
  inbox TEXT NOT NULL,
  PRIMARY KEY (recall, position, actor)
);

-- Messages about recalls and what came of them. `posts` is JSON; the letter names the number of the row.
CREATE TABLE recall_notices (
  id {serial},
  recall BIGINT NOT NULL,
  actor TEXT NOT NULL,
  server TEXT NOT NULL,
  inbox TEXT NOT NULL,
  kind TEXT NOT NULL,
  document TEXT NOT NULL UNIQUE,
  posts TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  at DOUBLE PRECISION NOT NULL,
  error TEXT,
  answer TEXT,
  answered_at DOUBLE PRECISION
);
CREATE INDEX recall_notices_recall ON recall_notices (recall);

-- What is stopped stays in the log, so that everything else goes on as it was, and is passed over by deliveries.
CREATE TABLE recalled_log (
  position BIGINT PRIMARY KEY
);

-- Which stretch of the log each subscriber was served, also those that left. `last` and `profile` are NULL while it goes
-- on. Of who subscribes already nobody knows since when.
CREATE TABLE servings (
  id {serial},
  subscription BIGINT NOT NULL,
  actor TEXT NOT NULL,
  server TEXT NOT NULL,
  inbox TEXT NOT NULL,
  dialect TEXT NOT NULL,
  first BIGINT NOT NULL,
  last BIGINT,
  profile TEXT,
  profile_since BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX servings_subscription ON servings (subscription);
INSERT INTO servings (subscription, actor, server, inbox, dialect, first)
SELECT id, actor, server, inbox, dialect, 0
FROM subscriptions WHERE state IN ('accepted', 'unreachable');
INSERT INTO servings (subscription, actor, server, inbox, dialect, first, last)
SELECT id, actor, server, inbox, dialect, 0, coalesce((SELECT value FROM marks WHERE name = 'head'), 0)
FROM subscriptions WHERE state = 'suspended';
