"""Completes a build of `sam build`: prunes the layer, compiles bytecode, and pins the processor in the built template.

`make build` runs this as `python3.13 deployment/finish.py .aws-sam/build`: the bytecode must come from Lambda's Python.
"""

import ast
import compileall
import hashlib
import re
import shutil
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from py_compile import PycInvalidationMode

LAYER = "ValetLayer"
POWERTOOLS = "aws_lambda_powertools"

# No function imports these: package metadata, files for compilers and type checkers, and the parts of Powertools that
# the demo API does not use. `tracing` stays, because Powertools' own root imports it.
UNUSED = [
    "*.dist-info",
    "*.data",
    "bin",
    "share",
    "requirements.*",
    "cffi",
    "pycparser",
    f"{POWERTOOLS}/event_handler",
    f"{POWERTOOLS}/utilities/*/",
    "**/*.pyi",
]
USED = {f"{POWERTOOLS}/utilities/data_classes", f"{POWERTOOLS}/utilities/jmespath_utils"}

# The processor in an ELF header, as Lambda names it.
PROCESSORS = {62: "x86_64", 183: "arm64"}


class BuildError(Exception):
    """The build cannot be used; the message says why in one sentence."""


def prune(layer: Path) -> None:
    """Remove the files that no function imports from the layer's `python` folder."""
    for pattern in UNUSED:
        for path in sorted(layer.glob(pattern)):
            if path.relative_to(layer).as_posix() in USED:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def processor(libraries: Iterable[Path]) -> str:
    """The one processor that all compiled modules are for. Raises BuildError if they are for several."""
    found = {PROCESSORS.get(struct.unpack_from("<H", library.read_bytes(), 18)[0], "another") for library in libraries}
    if len(found) != 1:
        raise BuildError(f"the layer's compiled modules are for {sorted(found) or 'no processor'}, not for exactly one")
    return found.pop()


def pin_architecture(template: Path, architecture: str) -> None:
    """Let the built template be deployed to `architecture` only: a layer fails on any other processor."""
    choice = r"(\n  Architecture:\n(?:    .*\n)*?    Default: )\w+\n    AllowedValues:\n    - arm64\n    - x86_64\n"
    pinned = rf"\g<1>{architecture}\n    AllowedValues:\n    - {architecture}\n"
    text, times = re.subn(choice, pinned, template.read_text())
    if times != 1:
        raise BuildError(f"{template} must have one parameter Architecture for arm64 and x86_64, but has {times}")
    template.write_text(text)


def version(package: Path) -> str:
    """The package's __version__, read without importing the package."""
    for node in ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            said: str = ast.literal_eval(node.value)
            return said
    raise BuildError(f"{package}/__init__.py sets no __version__")


def digest_of(functions: Iterable[Path]) -> str:
    """A short name of the functions' code: another one for other code."""
    digest = hashlib.sha256()
    for source in sorted(path for folder in functions for path in folder.rglob("*.py")):
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:12]


def describe_layer(template: Path, said: str, functions: str) -> None:
    """Put the version into the layer's description, which the Lambda console and `aws lambda list-layers` show.

    `functions` is the digest of their code. SAM makes a new version of a layer if its description changes, and the
    template publishes the functions anew for a new version of the layer (SnapStart, ProvisionedConcurrency).
    """
    described = r"(\n  ValetLayer:\n(?:    .*\n)*?      Description: )(.*)\n"
    text, times = re.subn(
        described, rf"\g<1>Valet {said}, what the functions {functions} share\n", template.read_text()
    )
    if times != 1:
        raise BuildError(f"{template} must have one ValetLayer with a Description, but has {times}")
    template.write_text(text)


def compile_all(folder: Path, place: str) -> None:
    """Compile bytecode: /opt and /var/task are read-only, so without it every cold start would compile all modules.

    Files in Lambda's zips are dated 1980, so the bytecode must be valid whatever the source's date. It names the place
    of the source on Lambda, not in the build.
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
        raise BuildError(f"{folder} has a file that does not compile")


def finish(build: Path) -> None:
    """Finish the build in `build`."""
    layer = build / LAYER / "python"
    prune(layer)
    pin_architecture(build / "template.yaml", processor(layer.rglob("*.so")))
    functions = sorted(build.glob("*Function"))
    describe_layer(build / "template.yaml", version(layer / "valet"), digest_of(functions))
    compile_all(build / LAYER, "/opt")
    for function in functions:
        compile_all(function, "/var/task")


if __name__ == "__main__":
    try:
        finish(Path(sys.argv[1]))
    except BuildError as error:
        sys.exit(f"{Path(__file__).name}: {error}")
