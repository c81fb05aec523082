"""Explain what a code means, and what happens to one file and why: `--explain`, `--list`."""
