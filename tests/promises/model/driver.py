"""Sends requests for the state machine: one at a time, or several at once, each call in the order of a schedule."""

import json
from collections import Counter
from dataclasses import dataclass

from tests.promises.model.acts import Act
from tests.promises.model.intents import Trouble, can_meet, decoded
from tests.promises.model.ledger import Ledger, Violation
from tests.promises.model.processes import Fate, Process
from tests.promises.model.stage import Stage
from tests.promises.model.world import World

EXPLORED: Counter[str] = Counter()


@dataclass
class Driver:
    """`secrets` grow with each answer: none of them may be seen again where it does not belong."""

    world: World
    ledger: Ledger
    secrets: set[str]

    def send(self, act: Act, trouble: Trouble = None) -> Process:
        """One request, to its end; `trouble` meets the call that it names."""
        process = self.world.begin(act)
        calls = writes = 0
        while process.waiting is not None:
            is_write = process.waiting.is_write and process.waiting.is_of_grant
            fate = Fate.RUN
            if trouble is not None and can_meet(trouble[1], process):
                nth = calls if trouble[1] in (Fate.KILLED, Fate.FAILED) else writes
                is_possible = is_write or trouble[1] in (Fate.KILLED, Fate.FAILED)
                fate = trouble[1] if nth == trouble[0] and is_possible else Fate.RUN
            self.world.resume(process, fate)
            calls, writes = calls + 1, writes + is_write
        self._made(process)
        return process

    def run_interleaved(self, processes: list[Process], schedule: bytes) -> None:
        for process in processes:
            if process.is_done:
                self._made(process)
        for byte in schedule:
            running = [process for process in processes if process.waiting is not None]
            if not running:
                return
            process, fate, seconds = running[byte % 4 % len(running)], *decoded(byte >> 2)
            self.world.now += seconds
            self.world.resume(process, fate if can_meet(fate, process) else Fate.RUN)
            EXPLORED["turns"] += 1
            if process.is_done:
                self._made(process)
        for process in processes:
            while process.waiting is not None:
                self.world.resume(process, Fate.RUN)
                EXPLORED["turns"] += 1
                if process.is_done:
                    self._made(process)

    def _made(self, process: Process) -> None:
        """The process has ended; its answer may still be lost."""
        EXPLORED["requests"] += 1
        self.ledger.answered(process)
        answer = process.answer
        if answer is None:
            return
        members = Stage.members(answer) if process.act.function == "token" else {}
        told = json.dumps(answer) if answer["statusCode"] >= 400 else ""
        if any(secret in told for secret in self.secrets):
            raise Violation("a secret in an error")
        for name in ("access_token", "refresh_token", "id_token"):
            self.secrets.update(part for part in members.get(name, "").split(".")[-2:] if len(part) >= 43)
