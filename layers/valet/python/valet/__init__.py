"""Valet: an OAuth 2.1 and OpenID Connect authorization server made of Lambda functions."""

import gc

__version__ = "0.1.0"  # the one place that says it; `make release` checks it against the changelog

# A start makes tens of thousands of objects, of which hardly any is garbage. By default Python looks for garbage every
# two thousand objects, which takes a twentieth of a cold start. Requests leave almost nothing that only the collector
# would find.
gc.set_threshold(200_000, 10, 10)
