"""From a candidate to its result: one file, many processes, a cluster."""
