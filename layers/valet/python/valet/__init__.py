"""Valet: an OAuth 2.1 and OpenID Connect authorization server made of Lambda functions."""
