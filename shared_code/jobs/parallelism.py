"""How much of a job's work runs at once, of whatever kind it is."""

# Windows, and pages of files, that one process works on at once: each is large, and keeps a core busy. More
# activities may run on a host, for live events: those are small, and wait for other services.
LARGE_STEPS_AT_ONCE = 8
LANES = 4
