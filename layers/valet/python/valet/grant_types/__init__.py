"""The grant types of the token endpoint: one file each, with `redeem`; none knows the others (RFC 6749 §4, §6)."""
