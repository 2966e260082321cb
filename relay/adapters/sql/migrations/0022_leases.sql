-- Who does what only one process may do at a time, and until when. `owner` is a name that a process gave itself.
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until DOUBLE PRECISION NOT NULL
);
