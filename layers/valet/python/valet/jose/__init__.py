"""JOSE: tokens and keys as they are written (RFC 7515, RFC 7517). Facts are named tuples; neither PyJWT nor
`dataclasses` is imported here, because the authorizer's cold start would pay for both."""
