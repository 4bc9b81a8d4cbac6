"""What the function folders share; the folders themselves only adapt bindings to these modules."""
