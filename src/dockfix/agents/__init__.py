"""The server for coding agents: dockfix as tools of the Model Context Protocol, within one folder."""
