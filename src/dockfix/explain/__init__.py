"""What a code means, and what becomes of one file and why: `--explain`, `--list`."""
