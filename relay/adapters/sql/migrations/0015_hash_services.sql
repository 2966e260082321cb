-- How the hash services are doing. `answers`: counts by outcome since `since`, as JSON. Nothing tells what was asked.
CREATE TABLE hash_services (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  since DOUBLE PRECISION NOT NULL,
  version TEXT NOT NULL,
  answers TEXT NOT NULL,
  answered_at DOUBLE PRECISION,
  error TEXT,
  error_at DOUBLE PRECISION,
  paused INTEGER NOT NULL
);
