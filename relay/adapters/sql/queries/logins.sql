-- name: login_by_token^
-- The login of a browser.
SELECT * FROM logins WHERE token = :token AND expires_at > :now;

-- name: login_by_nonce^
-- The login that waits for a code.
SELECT * FROM logins WHERE nonce = :nonce AND expires_at > :now;

-- name: save_login!
-- Write a login, new or changed.
INSERT INTO logins (token, nonce, server, actor, proven, opened, looks, created_at, expires_at)
VALUES (:token, :nonce, :server, :actor, :proven, :opened, :looks, :created_at, :expires_at)
ON CONFLICT (token) DO UPDATE SET nonce = excluded.nonce, actor = excluded.actor, proven = excluded.proven,
  opened = excluded.opened, looks = excluded.looks, expires_at = excluded.expires_at;

-- name: drop_login!
-- Forget a login.
DELETE FROM logins WHERE token = :token;

-- name: count_logins$
-- How many logins there are that have not expired.
SELECT count(*) FROM logins WHERE expires_at > :now;

-- name: count_logins_of$
-- How many codes of one server wait to be shown.
SELECT count(*) FROM logins WHERE server = :server AND proven = 0 AND expires_at > :now;

-- name: forget_logins!
-- Forget what has expired.
DELETE FROM logins WHERE expires_at <= :now;
