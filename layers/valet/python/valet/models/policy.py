"""The operator's policy for people: how they sign in, in which languages, and how the pages look."""

from valet.frozen import Frozen

ITEM = ("people", "policy")  # the key of its item in the Registry table


class Policy(Frozen):
    """One record for the deployment. Each member is in force within ten seconds of its change."""

    sign_in_with: str = "username"  # | email | either: what people type next to their password
    password_minimum: int = 15  # characters, where the password alone signs in; measured when a person sets one
    registration: str = "off"  # | on | domains: whether people may make their own accounts
    registration_domains: frozenset[str] = frozenset()  # of the addresses that may, with `domains`
    breached_passwords: bool = False  # ask Pwned Passwords about a password that a person sets
    remember_device: int = 0  # days for which a browser is not asked for the second factor again; 0: it is always asked
    role_required_acr: frozenset[str] = frozenset()  # role=acr: the least level of the sessions of who has the role
    second_factor: str = "optional"  # | required: who has neither a second factor nor a passkey has to make one
    mail_per_hour: int = 1000  # mails that people may ask for, from the whole deployment; 0: none
    languages: frozenset[str] = (
        frozenset()
    )  # that the pages are offered in, as BCP 47 tags; empty: all that are shipped
    default_language: str = "en"  # for a reader whose languages are not offered
    brand_name: str = ""  # whose pages they are; empty: Valet
    brand_colour: str = ""  # #rrggbb; empty: the pages' own green
    brand_logo: bytes = b""  # PNG or WebP
    support_uri: str = ""
    tos_uri: str = ""
    policy_uri: str = ""  # of the privacy policy
    translations: frozenset[str] = frozenset()  # of the name and the links, such as tos_uri#de=https://…
