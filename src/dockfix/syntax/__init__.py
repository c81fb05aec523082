"""From text to a lossless tree; each module handles one grammar (lines, words, variables, shell)."""
