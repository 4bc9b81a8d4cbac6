"""Bringing the files of a path into the index."""
