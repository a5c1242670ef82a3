"""Connections to addresses that strangers and operators named.

Of the functions that answer requests, federate alone may import this package: it asks the providers that operators
registered. No request makes any function go to an address that a stranger named.
"""
