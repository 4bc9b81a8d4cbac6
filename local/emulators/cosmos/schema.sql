-- The databases, containers and items of the stand-in. A write replaces a row, so that whoever has read up to a
-- slot finds everything new behind it.
CREATE TABLE IF NOT EXISTS databases (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    properties TEXT NOT NULL -- JSON, as it is answered
);
CREATE TABLE IF NOT EXISTS containers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    database INTEGER NOT NULL REFERENCES databases ON DELETE CASCADE,
    id TEXT NOT NULL,
    properties TEXT NOT NULL, -- JSON, as it is answered
    UNIQUE (database, id)
);
CREATE TABLE IF NOT EXISTS items (
    slot INTEGER PRIMARY KEY AUTOINCREMENT,
    container INTEGER NOT NULL REFERENCES containers ON DELETE CASCADE,
    partition TEXT NOT NULL, -- JSON of the values of the partition key
    id TEXT NOT NULL,
    number INTEGER NOT NULL, -- when it was created, in nanoseconds; stays when the item is written again
    etag TEXT NOT NULL,
    time INTEGER NOT NULL, -- seconds since 1970
    body BLOB NOT NULL, -- JSON of what the user wrote, without its vectors
    vectors BLOB -- float32, one vector behind the other in the order of the policy; NaN for one that is absent
);
CREATE UNIQUE INDEX IF NOT EXISTS items_by_key ON items (container, partition, id);
-- Who searches has read up to a number, and finds behind it which items are gone.
CREATE TABLE IF NOT EXISTS forgotten (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    slot INTEGER NOT NULL
);
