-- From schema 2 to 3: inputs move out of the rows that every checkpoint writes.
-- The table is made anew, since SQLite drops columns only from version 3.35 on.
CREATE TABLE inputs (
  instance_id TEXT PRIMARY KEY,
  input       TEXT NOT NULL
);
INSERT INTO inputs (instance_id, input) SELECT instance_id, input FROM instances WHERE input IS NOT NULL;
ALTER TABLE instances RENAME TO instances_2;
CREATE TABLE instances (
  instance_id   TEXT PRIMARY KEY,
  execution_id  TEXT NOT NULL,
  name          TEXT NOT NULL,
  version       TEXT,
  status        TEXT NOT NULL,
  output        TEXT,
  custom_status TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL,
  generation    INTEGER,
  continuations INTEGER NOT NULL,
  parent        TEXT
) WITHOUT ROWID;
INSERT INTO instances
  SELECT instance_id, execution_id, name, version, status, output, custom_status,
    created_at, updated_at, generation, continuations, parent
  FROM instances_2;
DROP TABLE instances_2;
