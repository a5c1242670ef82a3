"""Signing keys: which one signs, which are published, and how one follows another."""
