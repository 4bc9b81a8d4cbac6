-- name: insert_instance
-- A new instance, or a finished one's id used again.
INSERT OR REPLACE INTO instances (
  instance_id, execution_id, name, version, status, input, output, custom_status,
  created_at, updated_at, generation, continuations, parent
) VALUES (
  :instance_id, :execution_id, :name, :version, :status, :input, :output, :custom_status,
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
