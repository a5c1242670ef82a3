"""The scopes that every stack begins with, and their sentences for the consent page (OpenID Connect Core §5.4, §11)."""

from valet.models.clients import Scope

STANDARD_SCOPES = (
    Scope("openid", "Sign you in, and recognise you when you come back"),
    Scope("profile", "See your profile: your name, your username, and details such as your picture or birthday"),
    Scope("email", "See your email address"),
    Scope("address", "See your postal address"),
    Scope("phone", "See your phone number"),
    Scope("roles", "See your roles, which decide what you may do there"),
    Scope("offline_access", "Keep this access while you are away, until you take it back"),
)
