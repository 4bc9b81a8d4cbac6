-- The task hub: everything that must survive the host. Times are UTC texts that sort as times do.

-- One row per orchestration instance, as clients see it. Every checkpoint writes it anew: nothing large is in it
-- before the instance has ended.
CREATE TABLE instances (
  instance_id   TEXT PRIMARY KEY,
  execution_id  TEXT NOT NULL,      -- changes with continue-as-new and when an id is used again
  name          TEXT NOT NULL,      -- of the orchestrator function
  version       TEXT,
  status        TEXT NOT NULL,      -- a RuntimeStatus
  output        TEXT,               -- JSON text, as every value here
  custom_status TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL,
  generation    INTEGER,            -- how often clients have used the id before
  continuations INTEGER NOT NULL,   -- how often it has continued as new
  parent        TEXT                -- JSON of the Parent that waits for it
) WITHOUT ROWID;

-- What the current execution was started with, for those that have an input; of an entity what it holds.
CREATE TABLE inputs (
  instance_id TEXT PRIMARY KEY,
  input       TEXT NOT NULL
);

-- The current execution's history, as later episodes will be given it.
CREATE TABLE history (
  instance_id TEXT NOT NULL,
  position    INTEGER NOT NULL,
  event       TEXT NOT NULL,
  PRIMARY KEY (instance_id, position)
) WITHOUT ROWID;

-- Events on their way to an instance; a message leaves in the transaction that stores its effect.
CREATE TABLE messages (
  message_id   INTEGER PRIMARY KEY,
  instance_id  TEXT NOT NULL,
  execution_id TEXT,                -- null: for whichever execution runs when it arrives
  due          TEXT NOT NULL,       -- in the future for timers
  event        TEXT NOT NULL
);
CREATE INDEX messages_by_arrival ON messages (instance_id, due, message_id);

-- Activities that have been scheduled and whose outcome is not stored yet.
CREATE TABLE activities (
  call_id      INTEGER PRIMARY KEY,
  instance_id  TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  task_id      INTEGER NOT NULL,
  name         TEXT NOT NULL,
  input        TEXT
);
CREATE INDEX activities_by_instance ON activities (instance_id);

-- When activities that have ended began to run: no history event tells, and people want to know.
CREATE TABLE activity_starts (
  instance_id  TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  task_id      INTEGER NOT NULL,
  started_at   TEXT NOT NULL,
  PRIMARY KEY (instance_id, execution_id, task_id)
) WITHOUT ROWID;
