"""Text to lossless tree; each module knows one grammar (Dockerfile lines, words, variables, shell)."""
