-- Hashes that people hand in of their own pictures. Who they are is not here. `secret` is SHA-256 of what is in the
-- link that they were given. `state` is a word of `relay.domain.hashsubmission.SubmissionState`.
CREATE TABLE hash_submissions (
  id {serial},
  secret TEXT NOT NULL UNIQUE,
  about TEXT NOT NULL,
  list TEXT NOT NULL,
  state TEXT NOT NULL,
  received_at DOUBLE PRECISION NOT NULL,
  changed_at DOUBLE PRECISION NOT NULL,
  who TEXT,
  note TEXT
);
CREATE INDEX hash_submissions_state ON hash_submissions (state, id);

-- What came together: a pack (relay.domain.hashlist.pack), and the batch of the list that it is in force by.
-- The rows go when their submission is refused or withdrawn.
CREATE TABLE hash_submission_parts (
  submission BIGINT NOT NULL,
  place BIGINT NOT NULL,
  hashes BIGINT NOT NULL,
  content {bytes} NOT NULL,
  batch BIGINT,
  accepted INTEGER NOT NULL,
  PRIMARY KEY (submission, place)
);
