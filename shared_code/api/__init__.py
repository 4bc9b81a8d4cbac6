"""What clients send, and what they see of their jobs."""
