"""What an application and its repository say about leaving root: read, never run, never edited."""
