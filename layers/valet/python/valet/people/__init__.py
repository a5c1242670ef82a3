"""Who an end-user is, and how they prove it."""
