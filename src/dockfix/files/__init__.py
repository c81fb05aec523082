"""File access: reading, writing, git, patterns, and the cache."""
