"""Bytes in and out: reading, writing, git, patterns, the cache."""
