"""Measurements, by `python -m tests.bench` from the top of the project."""
