-- name: key_records
-- Attestation keys that do not sign any more.
SELECT * FROM attestation_keys ORDER BY name;

-- name: save_key_record!
-- Write what became of a key.
INSERT INTO attestation_keys (name, public, retired_at, revoked_at, listed_until)
VALUES (:name, :public, :retired_at, :revoked_at, :listed_until)
ON CONFLICT (name) DO UPDATE SET retired_at = excluded.retired_at, revoked_at = excluded.revoked_at,
  listed_until = excluded.listed_until;
