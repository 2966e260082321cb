-- What the policy decided about each activity, the last time it did, with the facts: what a replay of another policy reads.
-- Independent of the activity itself, which is forgotten sooner. `verb` is what enforce does; `enforced` tells whether it was
-- done. `actor` is who wrote it, as far as is known. `facts` is JSON without what has its default.
CREATE TABLE history (
  seq {serial},
  object_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  server TEXT NOT NULL,
  kind TEXT NOT NULL,
  received_at DOUBLE PRECISION NOT NULL,
  decided_at DOUBLE PRECISION NOT NULL,
  verb TEXT NOT NULL,
  enforced INTEGER NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  policy TEXT NOT NULL,
  facts TEXT NOT NULL
);
CREATE INDEX history_received ON history (received_at, enforced, verb);
CREATE INDEX history_object ON history (object_id);
CREATE INDEX history_actor ON history (actor);
