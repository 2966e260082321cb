-- Servers that take RFC 9421 and refused the older signatures, each until it is tried anew.
CREATE TABLE rfc9421_servers (
  server TEXT PRIMARY KEY,
  until DOUBLE PRECISION NOT NULL
);
CREATE INDEX rfc9421_servers_until ON rfc9421_servers (until);
