-- name: take_lease!
-- Take or keep a lease; no row is touched while another owner has it.
INSERT INTO leases (name, owner, until) VALUES (:name, :owner, :until)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE leases.owner = excluded.owner OR leases.until <= :now;

-- name: lease_owner$
-- Who had a lease last.
SELECT owner FROM leases WHERE name = :name;

-- name: release_lease!
-- Give a lease back. Its owner stays known: who had it before must see that it was superseded.
UPDATE leases SET until = 0 WHERE name = :name AND owner = :owner;

-- name: lease_owners
-- Who has leases of a kind.
SELECT owner FROM leases WHERE substr(name, 1, length(:prefix)) = :prefix AND until > :now ORDER BY owner;

-- name: forget_leases!
-- Leases of a kind that ended long ago.
DELETE FROM leases WHERE substr(name, 1, length(:prefix)) = :prefix AND until < :before;
