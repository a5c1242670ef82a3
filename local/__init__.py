"""The local stack: the whole system in one process, AWS emulated, from template.yaml (README.md)."""
