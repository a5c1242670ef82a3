"""What binds a token to its sender: DPoP proofs (RFC 9449), and the claim `cnf` that names the key (RFC 7800).

The authorization server and the resource servers judge both by these modules. They read and compare; neither remembers
anything nor fetches anything.
"""
