"""API Gateway as the local stack plays it: HTTP APIs, REST APIs and their authorizers."""
