"""Connections to addresses that strangers named. No function that answers requests may import this package."""
