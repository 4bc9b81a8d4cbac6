"""The host's HTTP side: triggers, routes, the durable management API."""
