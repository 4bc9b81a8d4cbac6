"""Bringing a live event into the index."""
