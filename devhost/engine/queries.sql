-- name: insert_instance
-- A new instance, or a finished one's id used again.
INSERT OR REPLACE INTO instances (
  instance_id, execution_id, name, version, status, output, custom_status,
  created_at, updated_at, generation, continuations, parent
) VALUES (
  :instance_id, :execution_id, :name, :version, :status, :output, :custom_status,
  :created_at, :updated_at, :generation, :continuations, :parent
);

-- name: instance
-- One instance by its id.
SELECT * FROM instances WHERE instance_id = :instance_id;

-- name: instances
-- A page of instances in order of their ids.
SELECT * FROM instances
WHERE instance_id > :after
  AND substr(instance_id, 1, length(:id_prefix)) = :id_prefix
  AND (:created_from IS NULL OR created_at >= :created_from)
  AND (:created_to IS NULL OR created_at <= :created_to)
  AND (:statuses = '' OR instr(:statuses, ',' || status || ',') > 0)
ORDER BY instance_id LIMIT :top;

-- name: delete_instance
DELETE FROM instances WHERE instance_id = :instance_id;

-- name: insert_input
INSERT OR REPLACE INTO inputs (instance_id, input) VALUES (:instance_id, :input);

-- name: input
SELECT input FROM inputs WHERE instance_id = :instance_id;

-- name: delete_input
DELETE FROM inputs WHERE instance_id = :instance_id;

-- name: history
-- The events of an instance's current execution, oldest first.
SELECT event FROM history WHERE instance_id = :instance_id ORDER BY position;

-- name: append_event
INSERT INTO history (instance_id, position, event) VALUES (:instance_id, :position, :event);

-- name: history_length
SELECT coalesce(max(position) + 1, 0) FROM history WHERE instance_id = :instance_id;

-- name: delete_history
DELETE FROM history WHERE instance_id = :instance_id;

-- name: insert_message
INSERT INTO messages (instance_id, execution_id, due, event) VALUES (:instance_id, :execution_id, :due, :event);

-- name: due_messages
-- What has arrived for an instance, in order of arrival.
SELECT message_id, execution_id, event FROM messages
WHERE instance_id = :instance_id AND due <= :now ORDER BY due, message_id;

-- name: messages
-- All that is on its way to an instance, timers included, in order of arrival.
SELECT due, event FROM messages WHERE instance_id = :instance_id ORDER BY due, message_id;

-- name: delete_message
DELETE FROM messages WHERE message_id = :message_id;

-- name: delete_messages
DELETE FROM messages WHERE instance_id = :instance_id;

-- name: arrivals
-- When each waiting instance has its next event: what a starting host must wake up for.
SELECT instance_id, min(due) AS due FROM messages GROUP BY instance_id;

-- name: insert_activity
INSERT INTO activities (instance_id, execution_id, task_id, name, input)
VALUES (:instance_id, :execution_id, :task_id, :name, :input);

-- name: activities
-- Scheduled activities without an outcome, oldest first: what a starting host must run again.
SELECT * FROM activities ORDER BY call_id;

-- name: delete_activity
DELETE FROM activities WHERE call_id = :call_id;

-- name: delete_activities
DELETE FROM activities WHERE instance_id = :instance_id;

-- name: insert_start
-- A rewound activity begins once more.
INSERT OR REPLACE INTO activity_starts (instance_id, execution_id, task_id, started_at)
VALUES (:instance_id, :execution_id, :task_id, :started_at);

-- name: starts
-- When the activities of an instance's current execution began.
SELECT task_id, started_at FROM activity_starts NATURAL JOIN instances WHERE instance_id = :instance_id;

-- name: delete_starts
DELETE FROM activity_starts WHERE instance_id = :instance_id;

-- name: delete_old_starts
-- Those of executions before the current one.
DELETE FROM activity_starts WHERE instance_id = :instance_id AND execution_id <> :execution_id;

-- name: newest_roots
-- Ids of orchestrations that no other one started, the newest first.
SELECT instance_id FROM instances INDEXED BY roots_by_age
WHERE parent IS NULL AND NOT (name = instance_id AND substr(instance_id, 1, 1) = '@')
  AND (created_at, instance_id) < (:created_at, :instance_id)
ORDER BY created_at DESC, instance_id DESC LIMIT :top;

-- name: newest
-- Ids of all orchestrations that fit, the newest first.
SELECT instance_id FROM instances INDEXED BY instances_by_age
WHERE NOT (name = instance_id AND substr(instance_id, 1, 1) = '@')
  AND (created_at, instance_id) < (:created_at, :instance_id)
  AND (:name = '' OR name = :name)
  AND (:status = '' OR status = :status)
  AND (:prefix = '' OR substr(instance_id, 1, length(:prefix)) = :prefix)
ORDER BY created_at DESC, instance_id DESC LIMIT :top;

-- name: children
-- Ids of the sub-orchestrations of an orchestration, in the order of their starts.
SELECT instance_id FROM instances
WHERE parent IS NOT NULL AND json_extract(parent, '$.instance_id') = :parent
  AND (created_at, instance_id) > (:created_at, :instance_id)
ORDER BY created_at, instance_id LIMIT :top;

-- name: listed
-- What is shown of an instance at once: neither input nor output, and how many children it has, up to a limit.
SELECT instance_id, execution_id, name, version, status, custom_status, created_at, updated_at,
  json_extract(parent, '$.instance_id') AS parent_id,
  (SELECT count(*) FROM (
    SELECT 1 FROM instances AS child
    WHERE child.parent IS NOT NULL AND json_extract(child.parent, '$.instance_id') = :instance_id
    LIMIT :most_children)) AS children
FROM instances WHERE instance_id = :instance_id;

-- name: history_from
-- The events of an instance from a position on, each with the time at which the activity that it ends began.
SELECT event, (
    SELECT started_at FROM activity_starts
    WHERE instance_id = history.instance_id AND execution_id = :execution_id
      AND task_id = json_extract(event, '$.TaskScheduledId')) AS started_at
FROM history WHERE instance_id = :instance_id AND position >= :position ORDER BY position LIMIT :most;
