"""From candidates to results: one file, many processes, a cluster."""
