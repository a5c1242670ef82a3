"""Another team's stack next to Valet's: docs/examples/rest-api.yaml, with the authorizer's template nested in it.

Its REST API is served on Valet's own origin, below its stage (http://127.0.0.1:3000/v1/items), and trusts the local
issuer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.functions import Crash, Functions
from local.gateway.rest_gateway import RestGateway
from local.system import Function, System, system_from_template
from local.template import Template, TemplateError, as_text, load

EXAMPLE = Path("docs/examples/rest-api.yaml")
STAGE = "v1"


def rest_api_beside(root: Path, url: str, on_crash: Callable[[Crash], None]) -> tuple[RestGateway, ...]:
    """The example's REST API; empty if `root` has no examples."""
    if not (root / EXAMPLE).is_file():
        return ()
    metadata = f"{url}/{STAGE}/.well-known/oauth-protected-resource"
    parameters = {"Issuer": url, "Audience": f"{url}/api", "MetadataUrl": metadata, "Stage": STAGE}
    parameters["PublicUrl"] = f"{url}/{STAGE}"
    system = system_from_file(root / EXAMPLE, parameters)
    return (RestGateway(system.rest_apis, Functions(system.functions, on_crash, "beside")),)


def system_from_file(path: Path, parameters: Mapping[str, str]) -> System:
    """A stack that has only functions and APIs, its nested stacks included."""
    document = load(path)
    known = Resources(document)
    template = Template(document, parameters, PSEUDO_PARAMETERS, known)
    return system_from_template(template, path.parent, _nested(template, path.parent, known))


def _nested(template: Template, folder: Path, known: Resources) -> dict[str, Function]:
    """The functions of every nested stack. Adds the outputs of each to `known`."""
    functions: dict[str, Function] = {}
    for resource in template.resources("AWS::Serverless::Application"):
        where = f"Resources.{resource.logical_id}"
        given = template.resolve(resource.properties.get("Parameters", {}), where)
        path = folder / template.resolve(resource.properties["Location"], where)
        document = load(path)
        inner = Template(
            document, {name: as_text(each) for name, each in given.items()}, PSEUDO_PARAMETERS, Resources(document)
        )
        system = system_from_template(inner, path.parent)
        if repeated := set(functions) & set(system.functions):
            raise TemplateError(f"{where}: another nested stack already has {', '.join(sorted(repeated))}: rename it")
        functions.update(system.functions)
        outputs = document.get("Outputs", {}).items()
        known.learn(resource.logical_id, {f"Outputs.{name}": inner.resolve(each["Value"]) for name, each in outputs})
    return functions
