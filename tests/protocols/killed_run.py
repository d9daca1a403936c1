"""A run of scripted debates that can be killed: ``python -m tests.protocols.killed_run DIR SEED CALLS [--no-pause]``.

The models are functions of the messages and the seed, so that every unkilled run is the same. ``CALLS`` gets a line
``begin <digest>`` as each call goes out.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from longthought.agents.calls import digest_of
from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal
from longthought.protocols.runner import assignments, run_debates
from tests.protocols.scripted_debates import LastWord

DEBATES = 40


class LoggedModel(ScriptedModel):
    """Logs each request as it goes out, and takes its time."""

    def __init__(self, name: str, calls: Path | None, pause: float) -> None:
        super().__init__(lambda _m, _s: "", name)
        self._log = None if calls is None else os.open(calls, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._pause = pause

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        digest = digest_of(self.name, messages, sampling, n)
        if self._log is not None:
            os.write(self._log, f"begin {digest.hex()}\n".encode())
        random = Random(digest)
        await asyncio.sleep(self._pause * random.random())
        return [Reply(self._say(random), usage=Usage(3, 2)) for _ in range(n)]

    def _say(self, random: Random) -> str:
        if self.name == "policy":
            return random.choice([f"step {random.randrange(9)}", "answer: 4", "answer: 5", ""])
        return random.choice(
            ["continue", "continue", "backtrack 0: no", "reflect: check", "nonsense", "terminate solved: 4"]
        )


async def play_all(directory: Path, seed: int, calls: Path | None, pause: float) -> None:
    """Play ``DEBATES`` debates into ``directory``, eight at once."""
    context = Context(Prompts("default"))
    rules = Debate(
        PolicyAgent(LoggedModel("policy", calls, pause), context),
        CriticAgent(LoggedModel("critic", calls, pause), context),
        LastWord(),
        budget=Budget(turns=8),
    )
    problems = [Problem(id=f"p{i}", question=f"2+2? ({i})", gold="4") for i in range(DEBATES)]
    journal = Journal(directory)
    await run_debates(assignments(problems, 1, seed), rules, journal, max_debates=8)
    journal.close()


if __name__ == "__main__":
    print("begun", flush=True)
    asyncio.run(
        play_all(
            Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), 0.0 if "--no-pause" in sys.argv else 0.01
        )
    )
