"""A resource server: whatever a protected API needs to judge an access token (RFC 6750, RFC 9068), and nothing more.

It knows an issuer by its URL and reads that issuer's public endpoints; it never touches AWS. Facts are named tuples
rather than dataclasses here: importing `dataclasses` costs a cold start several milliseconds, and nothing else in this
process wants it.
"""
