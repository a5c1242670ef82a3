"""`python -m local` as a program: it starts quickly, ends cleanly, and says in one line why it does not start."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from local.demo_data import clients
from local.server import listen
from tests.support.local_program import ROOT, program, ready

pytestmark = pytest.mark.slow


def refusal(*arguments: str, **environment: str) -> str:
    """The one line of a program that does not start."""
    with program(*arguments, **environment) as process:
        out, err = process.communicate(timeout=20)
        assert process.returncode == 1
        assert out == ""
        (line,) = err.splitlines()
        return line


def processor_time_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_within_five_seconds_and_ends_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    before = processor_time_of_children()
    with program("--ready-file", str(tmp_path / "ready"), AWS_PROFILE="production") as process:
        facts = ready(tmp_path / "ready", process)
        assert httpx.get(f"{facts['url']}/.well-known/openid-configuration").json()["issuer"] == facts["url"]
        # A connection that is kept open does not hold it up.
        with httpx.Client() as client:
            client.get(f"{facts['url']}/demo/")
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
    # Not the wall's clock: other tests have the processor as well.
    assert processor_time_of_children() - before < 5
    assert process.returncode == 0
    assert err == ""
    assert f"Valet is ready on {facts['url']}" in out
    assert facts["aws_url"] in out
    assert "john" in out
    assert "password123" in out
    assert all(f"→ {uri}" in out for client in clients(facts["url"]) for uri in client.redirect_uris)
    assert f"--local --aws-port {facts['aws_url'].rpartition(':')[2]}\n" in out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    assert out.endswith("Stopped.\n")
    assert "Traceback" not in out


def test_the_lines_it_prints_work_when_copied(tmp_path: Path) -> None:
    with program("--ready-file", str(tmp_path / "ready")) as process:
        ready(tmp_path / "ready", process)
        process.send_signal(signal.SIGSTOP)  # its output is complete up to here
        process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        commands: list[str] = []
        while len(commands) < 2:
            line = process.stdout.readline()
            if line.startswith(("  TOKEN=", "  curl")):
                commands.append(line.strip())
        script = "\n".join(["set -eu -o pipefail", commands[0], commands[1].replace("curl ", "curl --fail -s ")])
        answer = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(answer.stdout)["client_id"] == "api_service_789"


def test_the_log_says_once_why_localhost_and_https_are_not_the_address(tmp_path: Path) -> None:
    with program("--ready-file", str(tmp_path / "ready"), "--quiet") as process:
        facts = ready(tmp_path / "ready", process)
        port = facts["url"].rpartition(":")[2]
        for _ in range(3):
            path = "/.well-known/openid-configuration"
            answer = httpx.get(f"{facts['url']}{path}", headers={"Host": f"localhost:{port}"})
            assert httpx.get(answer.headers["location"]).json()["issuer"] == facts["url"]
            for url in (facts["url"], facts["aws_url"]):
                with pytest.raises(httpx.TransportError):
                    httpx.get(url.replace("http:", "https:"), timeout=5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    said = [line for line in out.splitlines() if "localhost:" in line or "https://127" in line]
    aws = facts["aws_url"].replace("http:", "https:")
    assert said == [
        f"localhost:{port} is another origin than the issuer: going on at {facts['url']}. Use 127.0.0.1 everywhere.",
        f"A client asked for https://127.0.0.1:{port}, but this port speaks plain http: use {facts['url']}",
        f"A client asked for {aws}, but this port speaks plain http: use {facts['aws_url']}",
    ]


def test_interrupted_while_it_starts_it_ends_as_cleanly() -> None:
    with listen(0) as listener:
        port = listener.getsockname()[1]
    with program(PORT=str(port), AWS_PORT="0") as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break  # it listens first of all, and answers when everything else is there
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("variable", ["PORT", "AWS_PORT"])
def test_a_taken_port_is_one_line_that_names_the_variable(variable: str) -> None:
    with listen(0) as listener:
        port = listener.getsockname()[1]
        line = refusal(**{variable: str(port)})
    assert f"Port {port} is taken" in line
    assert f"{variable}=" in line


@pytest.mark.parametrize("value", ["http", "-1", "65536", "٣٠٠٠"])
def test_a_port_that_is_none_is_one_line(value: str) -> None:
    assert "PORT" in refusal(PORT=value)


def test_it_refuses_any_aws_but_the_emulated_one() -> None:
    line = refusal(AWS_ENDPOINT_URL="https://dynamodb.eu-west-1.amazonaws.com")
    assert "Unset AWS_ENDPOINT_URL" in line


def test_a_parameter_that_the_template_has_not_is_one_line() -> None:
    assert "no parameter Colour" in refusal("--parameter", "Colour=red")


@pytest.mark.parametrize(
    ("parameters", "alg"),
    [
        (["Signer=wrapped"], "RS256"),
        (["SigningAlgorithm=ES256"], "ES256"),
        (["SigningAlgorithm=ES256", "Signer=wrapped"], "ES256"),
        (["SigningAlgorithm=PS256"], "PS256"),
        (["SigningAlgorithm=RS256+PS256", "Signer=wrapped"], "RS256 PS256"),
    ],
)
def test_parameters_of_the_template_are_played(parameters: list[str], alg: str, tmp_path: Path) -> None:
    options = [option for parameter in parameters for option in ("--parameter", parameter)]
    with program("--quiet", "--ready-file", str(tmp_path / "ready"), *options) as process:
        url = ready(tmp_path / "ready", process)["url"]
        keys = httpx.get(f"{url}/.well-known/jwks.json").json()["keys"]
        assert {key["alg"] for key in keys} == {*alg.split()}
        form = {"grant_type": "client_credentials", "scope": "admin"}
        answer = httpx.post(f"{url}/token", data=form, auth=("api_service_789", "api_secret_abc"))
        assert answer.status_code == 200
        token = answer.json()["access_token"]
        assert httpx.get(f"{url}/api/admin", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"API": "/nowhere.yaml"}, "API: there is no file /nowhere.yaml. Give the path of your template.yaml."),
        ({"API_STAGE": "a/b"}, "API_STAGE is 'a/b'. A stage has letters, digits, - and _ only."),
    ],
)
def test_an_api_of_mine_that_is_not_there_is_one_line(environment: dict[str, str], message: str) -> None:
    assert refusal(**environment) == message


def test_my_own_api_is_served_with_the_stack_and_ends_with_it(tmp_path: Path) -> None:
    environment = {"API": str(ROOT / "tests/parts/local/shop/rest.yaml"), "API_STAGE": "dev"}
    with program("--ready-file", str(tmp_path / "ready"), **environment) as process:
        facts = ready(tmp_path / "ready", process)
        assert set(facts["apis"]) == {"Api", "ServerlessRestApi"}
        url = facts["apis"]["Api"]
        assert httpx.get(f"{url}/dev/", timeout=10).json()["route"] == "GET /"
        assert httpx.get(f"{url}/dev/orders", timeout=10).status_code == 401
        assert httpx.get(f"{url}/prod/", timeout=10).json() == {"message": "Forbidden"}
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    for line in (
        f"Your API Api is ready on {url}/dev",
        "  DELETE /orders/{id}  scope rest-orders, role admin\n",
        "answers 503: the authorizer Pool is not played: it asks Cognito\n",
        "Its registration with Valet\n  registered: https://rest.shop.example (",
        f"Get a person's token for it\n  {facts['url']}/demo/#scope=rest-orders\n",
        "    API Gateway: the path does not begin with the API's stage.\n",
        "and what happens instead",
        "  - OrdersFunction, GET /key: answers 503: ApiKeyRequired is not played",
        "    OrdersFunction: order.read  path=/",
    ):
        assert line in out
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
