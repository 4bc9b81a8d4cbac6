"""How to read each kind of file."""
