"""What Python sources say of the application: read, never run, never edited."""
