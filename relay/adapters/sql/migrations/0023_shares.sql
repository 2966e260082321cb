-- The shares of the fan-out among several processes: who holds one, and where everybody in it stands who has no cursor
-- of its own. Without rows there is one process, and all of them stand at the mark 'watermark'.
CREATE TABLE shares (
  share BIGINT PRIMARY KEY,
  owner TEXT,
  watermark BIGINT NOT NULL
);
