-- Hash lists that are fetched from their keepers. `since` is the checkpoint from which a batch was fetched, NULL for one
-- that was imported: undoing the batch goes back there.
ALTER TABLE list_batches ADD COLUMN since DOUBLE PRECISION;

-- How each such list is doing (relay.domain.listsync.SyncState). `unused` is JSON.
CREATE TABLE list_syncs (
  list TEXT PRIMARY KEY,
  place TEXT NOT NULL,
  checkpoint DOUBLE PRECISION NOT NULL,
  synced_at DOUBLE PRECISION,
  next_at DOUBLE PRECISION NOT NULL,
  failures INTEGER NOT NULL,
  error TEXT,
  error_at DOUBLE PRECISION,
  waits INTEGER NOT NULL,
  unused TEXT NOT NULL
);

-- What a keeper said of one of its entries, by batch: `owner` stands for the entry, `content` are its hashes. A tombstone
-- comes without hashes, and two entries may have one in common, so the list alone does not tell what goes.
CREATE TABLE list_statements (
  list TEXT NOT NULL,
  owner {bytes} NOT NULL,
  batch BIGINT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  content {bytes} NOT NULL,
  PRIMARY KEY (list, owner, batch)
);
CREATE INDEX list_statements_batch ON list_statements (batch, owner);

-- Whether what stands before or beside the relay is set up as it should be, when that was last looked at, and what is
-- wrong, in words of ours as JSON.
CREATE TABLE tool_checks (
  name TEXT PRIMARY KEY,
  checked_at DOUBLE PRECISION,
  problems TEXT NOT NULL,
  error TEXT,
  error_at DOUBLE PRECISION
);
