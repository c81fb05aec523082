"""How a repository's files build, run and stack its images."""
