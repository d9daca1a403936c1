"""One measurement of ``benchmarks.turn_cost``, in a process of its own: debates against a server, and what they cost.

``python -m benchmarks.turn_cost_client ours|autogen URL TURNS DEBATES ROUNDS`` prints one JSON line. A turn is one
message, that is one model call: a debate of 48 turns is 24 proposals and 24 verdicts. DEBATES are played at once, and
ROUNDS of them one after the other. Imports and one debate of two turns come before the clock starts; the journal, the
connections and everything else of the debates themselves come after.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

STEP = "Adding 17 and 25 gives 42, which leaves 8 and 3; 42 is above the target, so one of them has to go off again."
VERDICT = "continue"
QUESTION = (
    "Use each of the numbers 17, 25, 8 and 3 once, with + - * /, to reach 39. Write one step at a time."
)

#: From turns, debates at once and rounds to how many turns were really taken.
Play = Callable[[int, int, int], Awaitable[int]]


@asynccontextmanager
async def ours(url: str, directory: Path) -> AsyncGenerator[Play]:
    """What ``longthought run`` does: runner, journal on disk, both seats, the engine, the verdict's parser."""
    from longthought.agents.models.openai_http import OpenAIModel
    from longthought.agents.problems import Problem
    from longthought.agents.prompts import Prompts
    from longthought.agents.rewards.exact_scorer import ExactScorer
    from longthought.agents.seats.context import Context
    from longthought.agents.seats.critic import CriticAgent
    from longthought.agents.seats.policy import PolicyAgent
    from longthought.protocols.budget import Budget
    from longthought.protocols.debate import Debate
    from longthought.protocols.journal import Journal
    from longthought.protocols.runner import assignments, run_debates

    context = Context(Prompts("default"))
    model = OpenAIModel("loopback", url)

    async def play(turns: int, debates: int, rounds: int) -> int:
        budget = Budget(turns=turns // 2, depth=turns, conclude_at=1)
        rules = Debate(PolicyAgent(model, context), CriticAgent(model, context), ExactScorer(), budget=budget)
        problems = [Problem(id=f"p{i}", question=QUESTION, gold="39") for i in range(debates * rounds)]
        journal = Journal(Path(tempfile.mkdtemp(dir=directory)))
        progress = await run_debates(assignments(problems, 1, 0), rules, journal, max_debates=debates)
        journal.close()
        return progress.decisions["continue"] * 2

    yield play
    await model.close()


@asynccontextmanager
async def autogen(url: str, directory: Path) -> AsyncGenerator[Play]:
    """AutoGen's own way: a team of two agents in its group-chat runtime, on its OpenAI client. Journals nothing."""
    from autogen_agentchat.agents import AssistantAgent
    from autogen_agentchat.conditions import MaxMessageTermination
    from autogen_agentchat.teams import RoundRobinGroupChat
    from autogen_core.models import ModelFamily, ModelInfo
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    from longthought.agents.prompts import Prompts

    prompts = Prompts("default")
    info = ModelInfo(
        vision=False,
        function_calling=False,
        json_output=False,
        structured_output=False,
        family=ModelFamily.UNKNOWN,
    )

    model = OpenAIChatCompletionClient(
        model="loopback", base_url=url, api_key="none", model_info=info, max_retries=0
    )

    async def one(turns: int) -> int:
        team = RoundRobinGroupChat(
            [
                AssistantAgent("policy", model, system_message=prompts.render("policy")),
                AssistantAgent("critic", model, system_message=prompts.render("critic")),
            ],
            # The task is a message too.
            termination_condition=MaxMessageTermination(turns + 1),
        )
        return len((await team.run(task=QUESTION)).messages) - 1

    async def place(turns: int, rounds: int) -> int:
        return sum([await one(turns) for _ in range(rounds)])

    async def play(turns: int, debates: int, rounds: int) -> int:
        return sum(await asyncio.gather(*(place(turns, rounds) for _ in range(debates))))

    yield play
    await model.close()


async def measure(
    side: AbstractAsyncContextManager[Play], turns: int, debates: int, rounds: int
) -> dict[str, float]:
    """Wall seconds, CPU milliseconds (user and system) per turn, and KiB of memory per debate.

    ``queued_s``: seconds for which the process could have run but others had the CPU. On a quiet machine it is nothing;
    where it is much, the wall time says more of the machine than of the debates.
    """
    async with side as play:
        await play(2, 1, 1)
        idle = _resident_kib()
        wall, cpu, queued = time.monotonic(), time.process_time(), _queued_seconds()
        taken = await play(turns, debates, rounds)
        wall, cpu, queued = time.monotonic() - wall, time.process_time() - cpu, _queued_seconds() - queued
    if taken != turns * debates * rounds:
        raise RuntimeError(f"{taken} turns were taken, not {turns * debates * rounds}")
    # The highest the process ever had, less what it has idle: an upper bound of what the debates need at once.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "wall_s": wall,
        "queued_s": queued,
        "cpu_ms_per_turn": cpu * 1e3 / taken,
        "kib_per_debate": (peak - idle) / debates,
    }


def _resident_kib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def _queued_seconds() -> float:
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def main() -> None:
    side, url, *size = sys.argv[1:]
    turns, debates, rounds = map(int, size)
    with tempfile.TemporaryDirectory() as directory:
        chosen = {"ours": ours, "autogen": autogen}[side](url, Path(directory))
        print(json.dumps(asyncio.run(measure(chosen, turns, debates, rounds))))


if __name__ == "__main__":
    main()
