"""`valet`, the operator's command line. IAM authenticates the operator; there is no HTTP surface."""
