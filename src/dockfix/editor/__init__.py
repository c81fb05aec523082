"""The language server: what dockfix reports about a Dockerfile while it is edited."""
