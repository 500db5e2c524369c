"""The command line: one file per command; a command is read, ask, show."""
