"""What the Python worker does: runs the app's functions, on threads and on one event loop."""
