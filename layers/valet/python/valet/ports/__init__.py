"""What Valet asks of the outside world, by noun, as verbs of the protocol that answer an outcome.

No port lets a caller read, decide and then write unconditionally. Every method may raise TemporarilyUnavailable, when
the outcome stayed unknown after the same write was sent twice or the service is throttled; nothing else leaves a port.

Next to each port stands a protocol with one property, `HasGrants` for `Grants`. A module builds the protocol of the
ports that it uses, `Ports`, from these; the server satisfies all of them.
"""
