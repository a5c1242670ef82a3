"""What a client, a scope or a protected API may look like."""
