"""Sample data: what `make start` and `make demo` write before a job runs."""
