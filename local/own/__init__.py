"""A developer's own SAM stacks behind the real authorizer: `make run API=path/to/template.yaml` (docs/local-api.md)."""
