"""The commands, one module for each noun. The packages next to this folder do their work."""
