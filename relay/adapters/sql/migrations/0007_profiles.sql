-- What subscribers want, what of it they did not get, and how their admins show who they are.

-- What a subscriber chose, as JSON; NULL for nothing. `profile_since` is the head of the log when that changed last: what
-- was published up to there may have reached the subscriber under another profile. `profile_locked`: the operator's.
ALTER TABLE subscriptions ADD COLUMN profile TEXT;
ALTER TABLE subscriptions ADD COLUMN profile_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN profile_locked INTEGER NOT NULL DEFAULT 0;

-- The profiles of those who left, by actor: who comes back, as admins do who switch a relay off and on, finds it again.
CREATE TABLE left_profiles (
  {rowid}
  actor TEXT PRIMARY KEY,
  profile TEXT,
  locked INTEGER NOT NULL
);

-- What tells who wants an entry, as JSON: kind, verb, languages, hashtags, media. NULL for a post of which nothing was noted.
ALTER TABLE log ADD COLUMN traits TEXT;

-- How many activities a subscriber did not get, by reason.
CREATE TABLE skipped (
  subscription BIGINT NOT NULL,
  reason TEXT NOT NULL,
  times BIGINT NOT NULL,
  PRIMARY KEY (subscription, reason)
);

-- Admins who show that a server is theirs, and their sessions once they did. `token` is SHA-256 of what the browser holds.
-- `nonce` is NULL once it was shown, `actor` NULL when the whole server was.
CREATE TABLE logins (
  token TEXT PRIMARY KEY,
  nonce TEXT UNIQUE,
  server TEXT NOT NULL,
  actor TEXT,
  proven INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  looks INTEGER NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX logins_server ON logins (server);
CREATE INDEX logins_expires ON logins (expires_at);
