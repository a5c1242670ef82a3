"""The commands, a module for each noun; what they do is in the modules beside this folder."""
