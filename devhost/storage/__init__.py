"""Azure Storage as the host's bindings and triggers use it."""
