"""The referee: scores what a debate ends with through the door of outside calls, and says which outcome that is."""

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


async def score_ill_posed(said: str, scorer: Scorer, tree: Tree) -> Outcome:
    """Ill-posed; and right or wrong, where the scorer can tell.

    What the scorer asks of a judge is journalled call by call; its word is not, for a rule says the same again.
    """
    tree.tape.seat = "scorer"
    reading = await scorer.score_ill_posed(said, tree.problem)
    value = reading.value if reading is not None else None
    return Outcome(kind=outcomes.ILL_POSED, why=said, right=None if value is None else value >= 1.0)
