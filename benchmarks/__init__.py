"""Measurements, side by side in one run; `make bench` runs all and writes their tables below results/."""
