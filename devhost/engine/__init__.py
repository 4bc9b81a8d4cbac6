"""The durable engine: instances, history, work items. It knows nothing of HTTP, folders or Azure."""
