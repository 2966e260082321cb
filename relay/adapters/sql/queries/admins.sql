-- name: add_admin_link!
-- Write a sign-in link.
INSERT INTO admin_links (token, who, created_at, expires_at) VALUES (:token, :who, :now, :expires_at);

-- name: trim_admin_links!
-- Forget links that have ended, and the oldest of too many.
DELETE FROM admin_links WHERE expires_at <= :now
  OR token NOT IN (SELECT token FROM admin_links ORDER BY created_at DESC LIMIT :most);

-- name: admin_link$
-- Whose link it is.
SELECT who FROM admin_links WHERE token = :token AND expires_at > :now;

-- name: drop_admin_link!
-- Forget a link.
DELETE FROM admin_links WHERE token = :token;

-- name: add_admin_session!
-- Write a session.
INSERT INTO admin_sessions (token, who, created_at, used_at, expires_at, agent)
VALUES (:token, :who, :now, :now, :expires_at, :agent);

-- name: trim_admin_sessions!
-- Forget sessions that have ended, and of too many of one account those that were used longest ago.
DELETE FROM admin_sessions WHERE expires_at <= :now OR (who = :who
  AND id NOT IN (SELECT id FROM admin_sessions WHERE who = :who ORDER BY used_at DESC, id DESC LIMIT :most));

-- name: admin_session^
-- The session of a browser.
SELECT * FROM admin_sessions WHERE token = :token AND expires_at > :now AND used_at > :used_after;

-- name: admin_sessions_of
-- The sessions of an account, the last used first.
SELECT * FROM admin_sessions WHERE who = :who AND expires_at > :now AND used_at > :used_after
ORDER BY used_at DESC, id DESC;

-- name: use_admin_session!
-- Note that a session is used.
UPDATE admin_sessions SET used_at = :now WHERE id = :id;

-- name: drop_admin_session!
-- End a session of an account.
DELETE FROM admin_sessions WHERE who = :who AND id = :id;

-- name: admins_signed_in$
-- Whether anybody ever signed in.
SELECT EXISTS (SELECT 1 FROM audit WHERE action = 'admin-sign-in');

-- name: admin_draft^
-- The policy that an account is writing.
SELECT * FROM admin_drafts WHERE who = :who;

-- name: save_admin_draft!
-- Write it.
INSERT INTO admin_drafts (who, text, base, changed_at, revision)
VALUES (:who, :text, :base, :changed_at, :revision)
ON CONFLICT (who) DO UPDATE SET text = excluded.text, base = excluded.base, changed_at = excluded.changed_at,
  revision = excluded.revision;

-- name: drop_admin_draft!
-- Forget it.
DELETE FROM admin_drafts WHERE who = :who;
