"""A page of docs/clients, with its commands and settings to run."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from click.testing import CliRunner

from admin.cli import valet as command
from local.stack import LocalStack
from tests.support.ports import free_port

HERE = Path(__file__).parent
PAGES = HERE.parents[1] / "docs" / "clients"
# As the pages have them.
ISSUER, APPLICATION, API = "https://auth.example.com", "https://app.example.com", "https://api.example.com"


class Recipe:
    """A page of docs/clients, for the local stack and an application on a free port."""

    def __init__(self, name: str, stack: LocalStack, folder: Path, port: int = 0):
        self.text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
        self.folder = folder
        self.port = port or free_port()
        self.home = f"http://127.0.0.1:{self.port}"
        self._here = {ISSUER: stack.issuer, APPLICATION: self.home, API: stack.audience}
        self._aws_port = str(urlsplit(stack.aws_url).port)
        (folder / "node_modules").symlink_to(HERE / "node_modules")

    def register(self) -> str:
        """Run the page's commands, and return the secret that the first one shows."""
        lines = re.findall(r"^admin/valet (clients add .*)$", self.text, re.MULTILINE)
        first, *_ = [self.operate(line) for line in lines]
        secret: str = first.get("client_secret", "")
        return secret

    def operate(self, line: str) -> dict[str, Any]:
        """Run a command of the operator, and return what it says."""
        words = [*shlex.split(self.meant(line)), "--local", "--json"]
        result = CliRunner().invoke(command, words, env={"AWS_PORT": self._aws_port})
        assert result.exit_code == 0, result.output
        said: dict[str, Any] = json.loads(result.stdout)
        return said

    def option(self, name: str) -> str:
        """The value of an option in the page's first command."""
        (line, *_) = re.findall(r"^admin/valet (clients add .*)$", self.text, re.MULTILINE)
        words = shlex.split(self.meant(line))
        return words[words.index(f"--{name}") + 1]

    def save(self, language: str, name: str, **instead: str) -> Path:
        """The page's one block in the language, as a file."""
        (block,) = re.findall(rf"^```{language}\n(.*?)^```", self.text, re.DOTALL | re.MULTILINE)
        for said, meant in instead.items():
            assert said in block
            block = block.replace(said, meant)
        path = self.folder / name
        path.write_text(self.meant(block), encoding="utf-8")
        return path

    @contextmanager
    def running(self, *words: str | Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """The application's own process, which listens on its port."""
        with self.started(*words, **environment) as process:
            for _ in range(200):
                assert process.poll() is None, process.communicate()
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                        break
                time.sleep(0.05)
            yield process

    @contextmanager
    def started(self, *words: str | Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [*words],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PORT": str(self.port), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def meant(self, text: str) -> str:
        """The text with the addresses that are meant here."""
        for said, meant in self._here.items():
            text = text.replace(said, meant)
        return text
