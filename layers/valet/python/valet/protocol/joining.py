"""Whether people may make their own accounts, and for which addresses (the operator's policy)."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

from valet.models.clients import Client
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasSettings

if TYPE_CHECKING:
    from valet.models.policy import Policy

MAIL = "mail"  # in settings.Settings.features
OFF, ON, DOMAINS = "off", "on", "domains"
REGISTRATION = (OFF, ON, DOMAINS)
_LONGEST_NAME = 256  # characters


class Ports(HasRegistry, HasSettings, Protocol):
    """The ports that tell whether people may join."""


def is_open(policy: "Policy", features: Collection[str]) -> bool:
    """Whether people may make their own accounts. An account begins with a proven address: that takes mails."""
    return MAIL in features and policy.registration in (ON, DOMAINS)


def may_join(ports: Ports, client: Client) -> bool:
    """Whether people may make an account on their way to this client, which may say no for itself."""
    features = ports.settings.features
    return client.registration != OFF and MAIL in features and is_open(ports.registry.policy(), features)


def takes_address(policy: "Policy", address: str) -> bool:
    """Whether the policy lets people join with this address."""
    return policy.registration != DOMAINS or domain_of(address) in policy.registration_domains


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def is_name(text: str) -> bool:
    """Whether it can be a person's name; an empty one says nothing about them."""
    return text.isprintable() and len(text) <= _LONGEST_NAME
