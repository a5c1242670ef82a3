"""What the command line says, and how: layout, spelling, and how a command ends."""
