"""The HMAC key of the nonces, in emulated KMS: as template.yaml declares it, with its policy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import boto3

from local.aws.aws import emulated
from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.stack import LocalStack
from local.template import Template, load

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


@cache
def nonce_key() -> str:
    """Its ARN."""
    emulated()
    document = load(TEMPLATE)
    template = Template(document, {"DpopNonces": "all"}, PSEUDO_PARAMETERS, Resources(document))
    key = next(each for each in template.resources("AWS::KMS::Key") if each.logical_id == "NonceKey")
    properties = template.resolve(key.properties)
    policy = json.dumps(properties.pop("KeyPolicy"))
    made = boto3.client("kms").create_key(**properties, Policy=policy)
    return str(made["KeyMetadata"]["Arn"])


@contextmanager
def dpop_nonces(stack: LocalStack, clients: str) -> Iterator[None]:
    """The block runs with DpopNonces for these clients: off, public or all."""
    from valet.server import SERVER

    former = SERVER.settings
    key = "" if clients == "off" else nonce_key()
    stack.forget(settings=replace(former, dpop_nonces=clients, nonce_key=key))
    try:
        yield
    finally:
        stack.forget(settings=former)
