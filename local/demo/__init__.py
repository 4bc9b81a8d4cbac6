"""`make demo`: jobs on sample data whose right results are known."""
