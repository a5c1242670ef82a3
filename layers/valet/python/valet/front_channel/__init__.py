"""The steps between /authorize and the code. Every step leads back to /authorize, and none to another step."""
