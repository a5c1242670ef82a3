"""`valet`, the operator's command line: its login is IAM's, it has no HTTP surface."""
