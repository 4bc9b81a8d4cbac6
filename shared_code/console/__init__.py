"""The operator's page: HTML, style and script, and how they become one answer."""
