-- Operators at the admin pages: how they sign in, and the policy that they are writing.

-- Sign-in links that were not used yet. `token` is SHA-256 of the secret in the link.
CREATE TABLE admin_links (
  token TEXT PRIMARY KEY,
  who TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL
);

-- Who is signed in. `token` is SHA-256 of what the browser holds.
CREATE TABLE admin_sessions (
  id {serial},
  token TEXT NOT NULL UNIQUE,
  who TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  used_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL,
  agent TEXT NOT NULL
);

-- The policy that an account is writing; `base` is the id of the one that was in force when it began.
CREATE TABLE admin_drafts (
  who TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  base TEXT NOT NULL,
  changed_at DOUBLE PRECISION NOT NULL,
  revision BIGINT NOT NULL
);
