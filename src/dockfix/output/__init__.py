"""What a run leaves behind: a summary, patches, written files, reports."""
