"""The interfaces to the outside world, by noun. Their methods are verbs of the protocol and return an outcome.

No port lets a caller read, decide and then write unconditionally. Every method may raise TemporarilyUnavailable: if the
service is throttled, or if the outcome of a write stayed unknown after two tries. A port raises nothing else.

Next to each port stands a protocol with one property, `HasGrants` for `Grants`. A module builds the protocol of the
ports that it uses, `Ports`, from these; the server satisfies all of them.
"""
