"""The terminal output of the command line: layout, spelling of commands, and errors with their exit status."""
