"""The app's way to Azure: its package, its pinned dependencies, a smoke test; never deployed itself."""
