-- Hash lists of any size: a batch is loaded in packs of some thousand entries, and counts once it is done.
-- `digest` stands for the content of a batch. `change` grows whenever the lists in force changed. `progress` is how
-- far an import has come; it goes on there after a crash.
ALTER TABLE list_batches ADD COLUMN who TEXT NOT NULL DEFAULT '';
ALTER TABLE list_batches ADD COLUMN state TEXT NOT NULL DEFAULT 'done';
ALTER TABLE list_batches ADD COLUMN replaces INTEGER NOT NULL DEFAULT 0;
ALTER TABLE list_batches ADD COLUMN added BIGINT NOT NULL DEFAULT 0;
ALTER TABLE list_batches ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE list_batches ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE list_batches ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE list_batches ADD COLUMN progress TEXT;
ALTER TABLE list_batches ADD COLUMN change BIGINT NOT NULL DEFAULT 0;

-- The entries of a batch (relay.domain.hashlist.pack). `list_entries` holds those of before until the relay has
-- packed them, which it does when it starts.
CREATE TABLE list_packs (
  batch BIGINT NOT NULL,
  place BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  content {bytes} NOT NULL,
  PRIMARY KEY (batch, place)
);

-- Which entry matched in which post, for an hour: an entry that matches in very many is probably wrong.
CREATE TABLE list_hits (
  mark TEXT NOT NULL,
  object_id TEXT NOT NULL,
  list TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (mark, object_id)
);
CREATE INDEX list_hits_at ON list_hits (at);
