"""A deployment's configuration as a file: the command line applies and exports it, the local stack starts with it."""
