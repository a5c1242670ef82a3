"""`make run CONFIG=valet.yaml`: nothing has to be typed again after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.kept_secrets import KeptSecrets, NotKept
from tests.parts.local.test_main import refusal
from tests.support.local_program import program, ready

pytestmark = pytest.mark.slow

CONFIG = """
scopes:
  orders: {description: See your orders}
apis:
  https://api.example.com: {name: Orders, scopes: [orders]}
clients:
  job: {name: Job, grant_types: [client_credentials], scope: [orders], default_scope: [orders]}
  far: {name: Far, grant_types: [client_credentials], scope: [orders], secret: {env: FAR_SECRET}}
  near: {name: Near, grant_types: [client_credentials], scope: [orders], secret: {env: NEAR_SECRET}}
  app: {name: App, type: native, redirect_uris: ["com.example.app:/cb"], scope: [openid, orders]}
"""
PEOPLE = "people:\n  mary: {name: Mary, roles: [clerk]}\n"
NEAR = "a-secret-of-more-than-32-characters"


def run(config: Path) -> tuple[str, Any]:
    """What a start prints, and the stack's facts with the answers of its clients."""
    announced = config.parent / "ready"
    announced.unlink(missing_ok=True)
    environment = {"CONFIG": str(config), "NEAR_SECRET": NEAR}
    with program("--quiet", "--ready-file", str(announced), **environment) as process:
        facts = ready(announced, process)
        secrets = json.loads((config.parent / ".valet" / "valet.yaml.json").read_text(encoding="utf-8"))["secrets"]
        form = {"grant_type": "client_credentials", "scope": "orders"}
        for name, secret in {**secrets, "near": NEAR, "api_service_789": "api_secret_abc"}.items():
            facts[name] = httpx.post(f"{facts['url']}/token", data=form, auth=(name, secret)).status_code
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    return out, facts


def test_the_same_secrets_passwords_and_subs_work_after_a_restart(tmp_path: Path) -> None:
    config = tmp_path / "valet.yaml"
    config.write_text(CONFIG + PEOPLE, encoding="utf-8")
    kept = tmp_path / ".valet" / "valet.yaml.json"
    first, facts = run(config)
    assert [facts[name] for name in ("job", "far", "near", "api_service_789")] == [200, 200, 200, 401]
    before = kept.read_text(encoding="utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (kept.parent / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert set(json.loads(before)["secrets"]) == {"job", "far"}, "no secret that comes from elsewhere is copied"
    second, facts = run(config)
    assert [facts[name] for name in ("job", "far", "near")] == [200, 200, 200]
    assert kept.read_text(encoding="utf-8") == before
    for out in (first, second):
        told = json.loads(before)
        assert all(each in out for each in (*told["secrets"].values(), *told["passwords"].values(), "mary"))
        assert "(from the environment variable NEAR_SECRET)" in out
        assert NEAR not in out, "who cloned the file did not choose which variable it names"
        assert "far has a generated secret, because the environment variable FAR_SECRET is not set." in out
        assert "/demo/" not in out
        assert "password123" not in out


def test_a_file_without_people_lets_the_demo_people_sign_in(tmp_path: Path) -> None:
    config = tmp_path / "valet.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    out, _ = run(config)
    assert "password123" in out


def test_a_mistake_in_the_file_is_told_by_its_line_and_nothing_starts_or_is_kept(tmp_path: Path) -> None:
    config = tmp_path / "valet.yaml"
    config.write_text("clients:\n  shop: {name: Shop, redirect_uri: []}\n", encoding="utf-8")
    assert refusal(CONFIG=str(config)).startswith(f"{config}: line 2: client shop: there is no key 'redirect_uri'")
    config.write_text("clients:\n  shop: {name: Shop, grant_types: [client_credentials], scope: [nonsense]}\n")
    assert refusal(CONFIG=str(config)).startswith(f"{config}: line 2: client shop: scope 'nonsense': not registered")
    config.write_text("apis:\n  https://api: {name: A, access_token_signing_alg: PS256}\n")
    assert "line 2: API https://api: access_token_signing_alg 'PS256': no key signs" in refusal(CONFIG=str(config))
    assert not (tmp_path / ".valet").exists()
    assert "no such file" in refusal(CONFIG=str(tmp_path / "nowhere.yaml"))


def random(length: int) -> bytes:
    return os.urandom(length)


def test_secrets_that_others_can_read_or_that_are_somebody_elses_are_refused(tmp_path: Path) -> None:
    kept = KeptSecrets(tmp_path / "valet.yaml", random)
    secret = kept.secret("shop")
    kept.save()
    assert KeptSecrets(tmp_path / "valet.yaml", random).secret("shop") == secret
    kept.path.chmod(0o640)
    with pytest.raises(NotKept, match="chmod 600"):
        KeptSecrets(tmp_path / "valet.yaml", random)
    kept.path.chmod(0o600)
    moved = kept.path.rename(tmp_path / "elsewhere")
    kept.path.symlink_to(moved)
    with pytest.raises(NotKept, match="chmod 600"):
        KeptSecrets(tmp_path / "valet.yaml", random)
    kept.path.unlink()
    kept.path.touch(0o600)
    with pytest.raises(NotKept, match="Remove it"):
        KeptSecrets(tmp_path / "valet.yaml", random)


@pytest.mark.parametrize("name", [".gitignore", "valet.yaml.json", "valet.yaml.unfinished"])
def test_a_link_in_a_cloned_repository_never_has_a_file_of_the_developer_overwritten(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "bashrc"
    theirs.write_text("mine", encoding="utf-8")
    theirs.chmod(0o600)
    (tmp_path / ".valet").mkdir()
    (tmp_path / ".valet" / name).symlink_to(theirs)
    with suppress(NotKept):
        kept = KeptSecrets(tmp_path / "valet.yaml", random)
        kept.secret("shop")
        kept.save()
    assert theirs.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".valet").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotKept, match="is a link"):
        KeptSecrets(tmp_path / "valet.yaml", random)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_secrets_of_two_files_in_one_folder_are_kept_apart(tmp_path: Path) -> None:
    kept = [KeptSecrets(tmp_path / name, random) for name in ("a.yaml", "b.yaml")]
    assert kept[0].secret("shop") != kept[1].secret("shop")
    assert kept[0].path != kept[1].path
    for each in kept:
        each.save()
    assert stat.S_IMODE(kept[0].path.parent.stat().st_mode) == 0o700
