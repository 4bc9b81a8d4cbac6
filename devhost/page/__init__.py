"""The host's page: HTML, style and script, and how they become one file that needs nothing else."""
