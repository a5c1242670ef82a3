"""Run by the Python that has aws-sam-cli: a SAM template in, what CloudFormation is given out (AWS SAM transform).

Each line that it reads is a JSON list, ["template.yaml", "Parameter=value", ...], and for each it prints a line: the
document, or a text that says what went wrong. The translator is the version that sam bundles.
"""

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

# The translator wants to see what `sam package` would have put there.
_PACKAGED = {
    "AWS::Serverless::Function": ("CodeUri", "s3://bucket/key"),
    "AWS::Serverless::LayerVersion": ("ContentUri", "s3://bucket/key"),
    "AWS::Serverless::Application": ("Location", "https://bucket.s3.amazonaws.com/key"),
}


def translated(path: str, *given: str) -> Any:
    document = yaml_parse(Path(path).read_text(encoding="utf-8"))
    parameters = {name: str(parameter.get("Default", "")) for name, parameter in document["Parameters"].items()}
    parameters.update(dict(each.split("=", 1) for each in given))
    for resource in document["Resources"].values():
        name, address = _PACKAGED.get(resource["Type"], ("", ""))
        if name in resource.get("Properties", {}):
            resource["Properties"][name] = address
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="eu-west-1"))
    return translator.translate(sam_template=document, parameter_values=parameters)


def answered(line: str) -> Any:
    try:
        return translated(*json.loads(line))
    except Exception:
        return traceback.format_exc()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answered(line)), flush=True)
