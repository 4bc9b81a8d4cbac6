"""Counting the distinct ids of the audit table."""
