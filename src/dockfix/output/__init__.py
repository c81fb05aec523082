"""What a run produces: a summary, patches, written files, reports."""
