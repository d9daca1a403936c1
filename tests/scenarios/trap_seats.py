"""A scripted model for both seats and the judge on two made-up traps and their twins; three kinds of critic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage
from longthought.agents.models.scripted import ScriptedModel

TRAP = "Ann has 3 apples, twice as many as Ben, who has 2. How many have both?"
FLAW = "Twice as many as Ben's 2 apples are 4, but Ann has 3."
TWIN = "Ann has 4 apples, twice as many as Ben. How many have both?"
OTHER_TRAP = "What is the area of a triangle with sides 1, 2 and 5?"
OTHER_FLAW = "Sides 1, 2 and 5 break the triangle inequality."
OTHER_TWIN = "What is the area of a triangle with sides 3, 4 and 5?"
ANSWERS = {TWIN: "6", OTHER_TWIN: "6"}

ROWS = [
    {
        "trap_problem": TRAP,
        "trap_type": "Direct Contradiction",
        "human_annotation": FLAW,
        "original_problem": TWIN,
        "original_solution": "Ben has 4/2=2, so 4+2=6.\n#### 6",
    },
    {
        "trap_problem": OTHER_TRAP,
        "trap_type": "Violating Common Sense",
        "human_annotation": OTHER_FLAW,
        "original_problem": OTHER_TWIN,
        "original_solution": "It is right-angled: $\\boxed{6}$.",
    },
]


class TrapSeats(ScriptedModel):
    """The critic ``names`` the contradiction in traps, ``hints`` at it, ``solves`` all, or ``cries`` everywhere."""

    def __init__(self, critic: str = "names", judge: str = "They are the same. [1]") -> None:
        super().__init__(self._say, "seats")
        self._critic, self._judge = critic, judge

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        # No seat is ever shown what is wrong with a problem; the judge is.
        said = [m.content for m in messages if isinstance(m, Message)]
        if "The expert:" not in said[-1]:
            assert not any(flaw in text for text in said for flaw in (FLAW, OTHER_FLAW))
        return await super().sample(messages, sampling, n)

    def _say(self, messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str:
        said = [m.content for m in messages if isinstance(m, Message)]
        if "The expert:" in said[-1]:
            return self._judge
        question = next(q for q in (TRAP, TWIN, OTHER_TRAP, OTHER_TWIN) if any(q in text for text in said))
        if "Critic: judge" not in said[-1]:
            return f"Answer: {ANSWERS.get(question, '7')}"
        flaw = {TRAP: FLAW, OTHER_TRAP: OTHER_FLAW}.get(question)
        if self._critic == "cries":
            return "terminate ill_posed: the question is unfair to Ann's triangle"
        if flaw is None or self._critic == "solves":
            return "terminate solved"
        if self._critic == "hints":
            return f"terminate ill_posed: {'Ann with apples, but twice Ben' if question == TRAP else 'no such sides'}"
        return f"terminate ill_posed: {flaw.lower()}"


def write_traps(directory: Path, critic: str, **changes: Any) -> Path:
    """The scenario and its traps as files; the path of the scenario."""
    (directory / "traps.json").write_text(json.dumps(ROWS))
    options = {"critic": critic, **changes.pop("options", {})}
    scenario = {
        "name": critic,
        "dataset": {"kind": "trap-pairs", "path": "traps.json", "scorer": "exact"},
        "models": {"seats": {"engine": "tests.scenarios.trap_seats:TrapSeats", "options": options}},
        "seats": {"policy": {"model": "seats"}, "critic": {"model": "seats"}},
        "budget": {"turns": 4},
        **changes,
    }
    file = directory / f"{critic}.yaml"
    file.write_text(yaml.safe_dump(scenario, sort_keys=False))
    return file
