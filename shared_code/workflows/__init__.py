"""The jobs as generator functions: pure and deterministic, no I/O, clock, random source or environment."""
