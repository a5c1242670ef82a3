"""The facts that Valet keeps and passes on, by noun; behaviour lies with the modules that use them.

Times are epoch seconds, save those named `_ms`. Digests are SHA-256, as bytes.
"""
