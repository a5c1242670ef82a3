"""The options that set the claims about a user (OpenID Connect Core §5.1), and how they have to sign in."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from valet.models.accounts import Account, Address
from valet.registration.attributes import CLAIMS, members_of, parse_address

from admin.options import ACR

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class AddressType(click.ParamType[Address]):
    """A postal address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, Address):
            return value
        try:
            return parse_address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_OPTIONS = (
    click.option("--name", help="Set the display name."),
    click.option("--given-name", help="Set the given name."),
    click.option("--family-name", help="Set the family name."),
    click.option("--middle-name", help="Set the middle name."),
    click.option("--nickname", help="Set the nickname."),
    # --profile is the AWS profile.
    click.option("--profile-page", help="Set the web address of their profile page (the claim profile)."),
    click.option("--picture", help="Set the web address of their picture."),
    click.option("--website", help="Set the web address of their web site."),
    click.option("--gender", help="Set the gender."),
    click.option("--birthdate", help="Set the birthday: YYYY-MM-DD, YYYY, or 0000-MM-DD without the year."),
    click.option("--zoneinfo", help="Set the time zone, such as Europe/Paris."),
    click.option("--locale", help="Set the language, such as en-US."),
    click.option("--email",
                 help="Set the email address. A new address is unverified unless you pass --email-verified."),
    click.option("--email-verified/--no-email-verified", default=None,
                 help="Record whether you know that the address is theirs."),
    click.option("--phone-number", help="Set the phone number in E.164 form, such as +14255550100. A new number is "
                 "unverified unless you pass --phone-number-verified."),
    click.option("--phone-number-verified/--no-phone-number-verified", default=None,
                 help="Record whether you know that the number is theirs."),
    click.option("--required-acr", type=ACR, help="Let them in only by a sign-in of this level or a higher one: phr is "
                 "a passkey (default: any)."),
    click.option("--address", type=AddressType(), help="Set the postal address: a text, or a JSON object with "
                 "formatted, street_address, locality, region, postal_code, country."),
)  # fmt: skip


def attributes(command: Decorated) -> Decorated:
    """Give a command an option for each claim, whose empty value removes it, and for the level of the sign-in."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def claims_from(given: Mapping[str, Any], before: Account) -> dict[str, Any]:
    """The claims that the options set. A new email address or phone number is unverified unless the operator says that
    it is theirs."""
    unsaid = {
        f"{claim}_verified": False
        for claim in ("email", "phone_number")
        if given[claim] not in (None, getattr(before, claim)) and given[f"{claim}_verified"] is None
    }
    said = {"profile" if name == "profile_page" else name: value for name, value in given.items()}
    return {**said, **unsaid}


def claims_of(account: Account) -> dict[str, Any]:
    """The claims of an account as the commands show them: those that have a value."""
    claims = {claim: getattr(account, claim) for claim in CLAIMS if claim != "address"}
    return {claim: value for claim, value in {**claims, "address": members_of(account.address)}.items() if value}
