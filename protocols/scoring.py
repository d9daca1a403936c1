"""The referee: scores a final answer through the door of outside calls, and says which outcome that is."""

from __future__ import annotations

from longthought.agents.calls import outside
from longthought.agents.errors import RewardError
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Scorer
from longthought.protocols import outcomes
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tree import Tree


async def score_answer(answer: str, scorer: Scorer, tree: Tree) -> Outcome:
    """Solved at a value of 1, wrong below it, unverified when the scorer cannot tell."""

    async def live() -> dict[str, object]:
        try:
            reading = await scorer.score(answer, tree.problem)
        except RewardError as error:
            reading = Reading(reward=scorer.name, why=str(error))
        return {"answer": answer, "reading": reading.model_dump(exclude_defaults=True)}

    tree.tape.seat = "scorer"
    data = await outside("scored", answer.encode(), live)
    reading = Reading.model_validate(data["reading"])
    if reading.value is None:
        return Outcome(kind=outcomes.UNVERIFIED, answer=answer, why=reading.why)
    right = reading.value >= 1.0
    return Outcome(
        kind=outcomes.SOLVED if right else outcomes.WRONG, answer=answer, why="" if right else reading.why
    )
