"""The tokens that Valet signs: access tokens and ID tokens, and the response that carries them."""
