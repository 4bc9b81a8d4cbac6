"""Azure Storage: blobs that are read, blobs that are staged, and tables."""
