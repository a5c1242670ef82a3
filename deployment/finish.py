"""What `sam build` leaves undone: pruning, bytecode, and holding a deployment to the processor that was built for.

`make build` runs it as `python3.13 deployment/finish.py .aws-sam/build`, by the Python whose bytecode Lambda will read.
"""

import ast
import compileall
import re
import shutil
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from py_compile import PycInvalidationMode

LAYER = "ValetLayer"
POWERTOOLS = "aws_lambda_powertools"

# Never imported in a function: what describes packages, what serves compilers and type checkers, and the parts of
# Powertools that Valet has no use for. `tracing` stays, because Powertools' own root imports it.
UNUSED = [
    "*.dist-info",
    "*.data",
    "bin",
    "requirements.*",
    "cffi",
    "pycparser",
    f"{POWERTOOLS}/event_handler",
    f"{POWERTOOLS}/utilities/*/",
    "**/*.pyi",
]
USED = {f"{POWERTOOLS}/utilities/jmespath_utils"}

# The processor in an ELF header, as Lambda names it.
PROCESSORS = {62: "x86_64", 183: "arm64"}


class BuildError(Exception):
    """The build is not what it should be, in one sentence."""


def prune(layer: Path) -> None:
    """Remove from the layer's `python` folder what no function imports."""
    for pattern in UNUSED:
        for path in sorted(layer.glob(pattern)):
            if path.relative_to(layer).as_posix() in USED:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def processor(libraries: Iterable[Path]) -> str:
    """The one processor that all compiled modules are for; a build for two is no build."""
    found = {PROCESSORS.get(struct.unpack_from("<H", library.read_bytes(), 18)[0], "another") for library in libraries}
    if len(found) != 1:
        raise BuildError(f"the layer's compiled modules are for {sorted(found) or 'no processor'}")
    return found.pop()


def pin_architecture(template: Path, architecture: str) -> None:
    """Let the built template be deployed to `architecture` alone, so that no answer given later can part the two."""
    choice = r"(\n  Architecture:\n(?:    .*\n)*?    Default: )\w+\n    AllowedValues:\n    - arm64\n    - x86_64\n"
    pinned = rf"\g<1>{architecture}\n    AllowedValues:\n    - {architecture}\n"
    text, times = re.subn(choice, pinned, template.read_text())
    if times != 1:
        raise BuildError(f"{template} has no parameter Architecture to pin")
    template.write_text(text)


def version(package: Path) -> str:
    """The version that the package says it is, read without importing it."""
    for node in ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            said: str = ast.literal_eval(node.value)
            return said
    raise BuildError(f"{package} does not say its __version__")


def describe_layer(template: Path, said: str) -> None:
    """Put the version into the layer's description, which the Lambda console and `aws lambda list-layers` show."""
    described = r"(\n  ValetLayer:\n(?:    .*\n)*?      Description: )(.*)\n"
    text, times = re.subn(described, rf"\g<1>Valet {said}, what the functions share\n", template.read_text())
    if times != 1:
        raise BuildError(f"{template} has no ValetLayer to describe")
    template.write_text(text)


def compile_all(folder: Path, place: str) -> None:
    """Ship bytecode: /opt and /var/task are read-only, so without it every cold start would compile everything again.

    Lambda's zips are dated 1980, so the bytecode must be valid whatever the source's date; and it names the place where
    the source will lie, not where it was built.
    """
    done = compileall.compile_dir(
        folder,
        quiet=1,
        force=True,
        stripdir=str(folder),
        prependdir=place,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise BuildError(f"{folder} does not compile")


def finish(build: Path) -> None:
    """Finish the build in `build`."""
    layer = build / LAYER / "python"
    prune(layer)
    pin_architecture(build / "template.yaml", processor(layer.rglob("*.so")))
    describe_layer(build / "template.yaml", version(layer / "valet"))
    compile_all(build / LAYER, "/opt")
    for function in sorted(build.glob("*Function")):
        compile_all(function, "/var/task")


if __name__ == "__main__":
    try:
        finish(Path(sys.argv[1]))
    except BuildError as error:
        sys.exit(f"{Path(__file__).name}: {error}")
