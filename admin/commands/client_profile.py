"""`valet clients`: the profile of a client, and the options that a profile decides."""

from collections.abc import Mapping
from typing import Any

from valet.models.clients import Client
from valet.protocol import profile

from admin.options import with_said
from admin.terminal.registrations import CLIENT

_WORDS: Mapping[str | bool, str] = {True: "yes", False: "no"}


def with_profile(client: Client, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The options, with each one that the given profile decides and the operator left out; and a sentence about those.

    An option that the operator gave stays: the rules of registration say what is wrong with it.
    """
    options = {name: value for name, value in given.items() if name != "security_profile"}
    options["profile"] = given["security_profile"]
    after = with_said(client, options)
    if options["profile"] is None or not after.is_fapi2:
        return options, ""
    values = {name: value for name, value in profile.values_to_set(after).items() if options.get(name) is None}
    told = ", ".join(f"{CLIENT.get(name, name)} {_WORDS.get(value, value)}" for name, value in values.items())
    return {**options, **values}, f" The profile {after.profile} set: {told}." if told else ""
