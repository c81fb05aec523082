"""The language server: what dockfix says of a Dockerfile, in an editor, while it is written."""
