"""openid-client (Node.js) authenticates by a key, with the lines of docs/clients/README.md."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.table import Table
from valet.server import SERVER

from local.stack import LocalStack
from tests.support.dpop_client import key_for
from tests.support.missing import is_missing

HERE = Path(__file__).parent
README = (HERE.parents[1] / "docs/clients/README.md").read_text(encoding="utf-8")
SCRIPT = """
import * as client from "openid-client";
const issuer = new URL(process.argv[2]), der = Buffer.from(process.argv[3], "base64");
%s
const granted = await client.clientCredentialsGrant(config, { scope: "admin" });
const told = await client.tokenIntrospection(config, granted.access_token);
await client.tokenRevocation(config, granted.access_token);
const after = await client.tokenIntrospection(config, granted.access_token);
console.log(told.active, after.active);
"""


def test_openid_client_with_the_lines_of_the_page(fresh_stack: LocalStack) -> None:
    if not (HERE / "node_modules/openid-client").exists() or not shutil.which("node"):
        is_missing("openid-client or node is not there: (cd tests/e2e && npm ci)")
    key = key_for("ES256")
    table = Table(SERVER.dynamodb, SERVER.settings.registry_table)
    before = DynamoRegistry(table, SERVER.clock).find_client("api_service_789")
    assert before is not None
    jwk = {**key.as_dict(private=False), "kid": "2026-11"}
    after = replace(before, token_endpoint_auth_method="private_key_jwt", secret_digests=())
    Registrar(table).put_client(replace(after, jwks=json.dumps({"keys": [jwk]})))
    (lines,) = (block for block in re.findall(r"```js\n(.*?)```", README, re.DOTALL) if "PrivateKeyJwt" in block)
    # The local stack has no TLS.
    insecure = 'kid: "2026-11" }), { execute: [client.allowInsecureRequests] });'
    lines = lines.replace('kid: "2026-11" }));', insecure).replace("my_shop", "api_service_789")
    assert insecure in lines
    der = key.as_der(private=True)

    ran = subprocess.run(
        ["node", "--input-type=module", "-", fresh_stack.issuer, base64.b64encode(der).decode()],
        input=SCRIPT % lines,
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout == "true false\n", ran.stderr
