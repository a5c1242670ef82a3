"""The HMAC key of the nonces, in emulated KMS: as template.yaml declares it, with its policy."""

import json
from functools import cache
from pathlib import Path

import boto3

from local.aws.aws import emulated
from local.aws.resources import PSEUDO_PARAMETERS, Resources
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
