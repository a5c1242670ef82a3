"""The rules for the registration of a client, a scope or a protected API."""
