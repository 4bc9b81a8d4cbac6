-- From schema 2 to 3: inputs move out of the rows that every checkpoint writes.
CREATE TABLE inputs (
  instance_id TEXT PRIMARY KEY,
  input       TEXT NOT NULL
);
INSERT INTO inputs (instance_id, input) SELECT instance_id, input FROM instances WHERE input IS NOT NULL;
ALTER TABLE instances DROP COLUMN input;
