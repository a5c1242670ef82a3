"""`valet people`: the policy for people."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.models.policy import ITEM, Policy

from admin.records.deployment import Deployment
from admin.records.register import Register
from admin.terminal.endings import Refused
from admin.terminal.spelling import Where
from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 40


def deployment(valet: Operator) -> Deployment:
    port = urlsplit(valet.stack.aws_url).port
    assert port is not None
    return Deployment(Where(is_local=True, aws_port=port), os.urandom, valet.clock)


def in_force(valet: Operator) -> Policy:
    return DynamoRegistry(deployment(valet).registry, lambda: 0).policy()


def test_without_a_record_the_defaults_are_in_force(valet: Operator) -> None:
    assert in_force(valet) == Policy()
    assert valet.json("people", "show")["default_language"] == "en"


def test_the_mails_of_an_hour_are_set_and_nought_stops_them(valet: Operator) -> None:
    for number in (50, 0):
        valet("people", "set", "--mail-per-hour", str(number))
        assert in_force(valet).mail_per_hour == number
        assert valet.json("people", "show")["mail_per_hour"] == number
    valet("people", "set", "--reset", "mail_per_hour")
    assert in_force(valet) == Policy()


def test_the_policy_is_changed_member_by_member_and_the_functions_read_it(valet: Operator, logged: Logged) -> None:
    valet("people", "set", "--default-language", "de")
    valet("people", "set", "--languages", "en de")
    assert in_force(valet) == Policy(languages=frozenset({"de", "en"}), default_language="de")
    valet("people", "set", "--reset", "languages")
    assert in_force(valet) == Policy(default_language="de")
    assert logged.deeds() == ["policy.changed changed the policy"] * 3


def test_an_operator_says_who_may_join_and_with_which_passwords(valet: Operator) -> None:
    valet("people", "set", "--sign-in-with", "either", "--registration", "on", "--password-minimum", "20")
    valet("people", "set", "--registration", "domains", "--registration-domains", "example.com example.org")
    valet("people", "set", "--breached-passwords")
    domains = frozenset({"example.com", "example.org"})
    assert in_force(valet) == Policy(
        sign_in_with="either",
        registration="domains",
        registration_domains=domains,
        password_minimum=20,
        breached_passwords=True,
    )
    facts = valet.json("people", "show")
    assert (facts["registration"], facts["registration_domains"]) == ("domains", sorted(domains))
    assert (facts["password_minimum"], facts["breached_passwords"]) == (20, True)
    # Who joined by now could not sign in any more.
    assert "sign_in_with" in valet("people", "set", "--sign-in-with", "username", status=2).err
    valet("people", "set", "--no-breached-passwords", "--reset", "registration registration_domains password_minimum")
    assert in_force(valet) == Policy(sign_in_with="either")


def test_a_client_for_which_nobody_joins(valet: Operator) -> None:
    assert valet.json("clients", "show", "web_app_123")["registration"] == "as-policy"
    assert valet.json("clients", "change", "web_app_123", "--registration", "off")["registration"] == "off"
    assert valet.json("clients", "change", "web_app_123", "--registration", "as-policy")["registration"] == "as-policy"
    valet("clients", "change", "web_app_123", "--registration", "on", status=2)


@pytest.mark.parametrize(
    "options",
    [
        ("--default-language", "tlh"),
        ("--languages", "en tlh"),
        ("--languages", "de"),  # without the default language
        ("--default-language", "en"),  # as it is
        ("--languages", "en de", "--reset", "languages"),
        ("--second-factor", "optional"),  # as it is
        ("--mail-per-hour", "1000"),  # as it is
        ("--mail-per-hour", "1000001"),
        ("--mail-per-hour", "-1"),
        ("--mail-per-hour", "many"),
        ("--registration", "on"),  # people who join have no username to sign in with
        ("--registration", "yes"),
        ("--sign-in-with", "email", "--registration", "domains"),  # of which there is none
        ("--registration-domains", "Example.com"),
        ("--registration-domains", "example.com @example.com"),
        ("--password-minimum", "7"),
        ("--password-minimum", "65"),
        ("--password-minimum", "long"),
        ("--colour", "#ffd400"),
        ("--logo", __file__),
        ("--support-uri", "mailto:help@example.com"),
        ("--translate", "languages#de=en"),
        (),
    ],
)
def test_a_wrong_policy_is_refused_and_nothing_changes(refused: Operator, options: tuple[str, ...]) -> None:
    refused("people", "set", *options, status=2)
    assert deployment(refused).registry.get(*ITEM) is None


def test_a_member_that_this_release_does_not_know_stays(valet: Operator) -> None:
    valet("people", "set", "--default-language", "de")
    deployment(valet).registry.update(*ITEM, "SET #later = :one", {":one": 1})
    valet("people", "set", "--reset", "default_language")
    assert (deployment(valet).registry.get(*ITEM) or {})["later"] == 1


def test_two_operators_do_not_overwrite_each_other(valet: Operator) -> None:
    register = Register.of(deployment(valet))
    before = register.policy()
    register.change_policy(before, replace(before, default_language="de"))
    with pytest.raises(Refused, match="another operator"):
        register.change_policy(before, replace(before, default_language="fr"))
    assert in_force(valet).default_language == "de"


def test_the_looks_are_set_and_shown_and_a_logo_is_read_from_a_file(valet: Operator, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    valet("people", "set", "--name", "Hafen", "--colour", "#8a1c5b", "--logo", str(logo))
    valet(
        "people", "set", "--tos-uri", "https://example.com/terms", "--translate", "tos_uri#de=https://example.com/agb"
    )
    valet("people", "set", "--translate", "brand_name#de=Hafen Hamburg")
    policy = in_force(valet)
    assert (policy.brand_name, policy.brand_colour, policy.brand_logo) == ("Hafen", "#8a1c5b", PNG)
    assert policy.translations == {"tos_uri#de=https://example.com/agb", "brand_name#de=Hafen Hamburg"}
    assert valet.json("people", "show")["logo"] == f"{len(PNG)} bytes"
    valet("people", "set", "--translate", "tos_uri#de=")
    assert in_force(valet).translations == {"brand_name#de=Hafen Hamburg"}
    # What is exported is applied again, logo and all.
    exported = tmp_path / "valet.yaml"
    valet("export", "--output", str(exported))
    valet("people", "set", "--reset", "logo name colour translations")
    valet("apply", str(exported))
    assert in_force(valet) == replace(policy, translations=frozenset({"brand_name#de=Hafen Hamburg"}))


def test_a_client_and_a_scope_get_texts_in_other_languages(valet: Operator) -> None:
    valet("clients", "change", "spa_demo", "--translate", "client_name#de=Vorführung")
    valet("clients", "change", "spa_demo", "--translate", "client_name#fr=Démonstration")
    said = ["client_name#de=Vorführung", "client_name#fr=Démonstration"]
    assert valet.json("clients", "show", "spa_demo")["translations"] == said
    valet("scopes", "change", "items", "--translate", "description#de=Ihre Artikel sehen")
    valet("clients", "change", "spa_demo", "--translate", "client_name", status=2)
    valet("clients", "change", "spa_demo", "--translate", "redirect_uris#de=https://evil.test", status=2)


def test_doctor_names_a_policy_that_no_command_would_store(valet: Operator) -> None:
    assert valet.json("doctor", "--only", "people")["findings"] == []
    item = {"pk": ITEM[0], "sk": ITEM[1], "brand_colour": "#ffd400", "sign_in_with": "nonsense"}
    deployment(valet).registry.put(item)
    found = valet.json("doctor", "--only", "people", status=1)["findings"]
    assert len(found) == 2
    for finding in found:
        assert finding["mend"].startswith("valet people set --reset 'colour sign_in_with'")
    valet("people", "set", "--reset", "colour sign_in_with")
    assert valet.json("doctor", "--only", "people")["findings"] == []
