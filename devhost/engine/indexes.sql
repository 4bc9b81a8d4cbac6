-- What lists of instances are read by, the newest first; made at every start where they are missing.
-- Those that a client started, which people look at first.
CREATE INDEX IF NOT EXISTS roots_by_age ON instances (created_at, instance_id, name, status)
  WHERE parent IS NULL AND NOT (name = instance_id AND substr(instance_id, 1, 1) = '@');

-- All of them, for filters.
CREATE INDEX IF NOT EXISTS instances_by_age ON instances (created_at, instance_id, name, status)
  WHERE NOT (name = instance_id AND substr(instance_id, 1, 1) = '@');

-- Those that another orchestration started.
CREATE INDEX IF NOT EXISTS children_by_age
  ON instances (json_extract(parent, '$.instance_id'), created_at, instance_id) WHERE parent IS NOT NULL;
