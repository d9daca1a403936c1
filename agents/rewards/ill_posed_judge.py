"""A model as the judge of whether a critic and an expert name the same contradiction in an ill-posed problem."""

from __future__ import annotations

import re

from longthought.agents.calls import sample
from longthought.agents.errors import FatalModelError, ModelError
from longthought.agents.models.contract import Message, Model, Sampling
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading

NAME = "ill-posed judge"
#: Of its reply.
JUDGE_TOKENS = 400

#: The last thing in a reply, with no more behind it than marks.
_VERDICT = re.compile(r"\[([01])\][\s.*_`]{0,20}$")


class IllPosedJudge:
    """Asks ``model`` once, and takes nothing but a [0] or [1] at the end of a whole reply for an answer.

    The question is that of MathTrap's judge (Zhao et al. 2024), whose replies end the same way. Departures: the judge
    is shown what the critic named and not a whole solution; the texts are fenced; a reply that ends otherwise is
    unscored, not 0.

    Attributes:
        prompts: the texts of its prompts, by part.
    """

    def __init__(self, model: Model, sampling: Sampling | None = None) -> None:
        self._model = model
        self._sampling = sampling or Sampling(temperature=0.0, max_tokens=JUDGE_TOKENS)
        self._prompts = Prompts("ill_posed", parts=("judge",))
        self.prompts = self._prompts.texts

    async def read(self, said: str, problem: Problem) -> Reading:
        """1.0 if ``said`` names what the problem's gold answer does, 0.0 if not, else unscored, with the reason.

        Raises:
            FatalModelError: no request can succeed, so the run should not go on.
        """
        prompt = self._prompts.render("judge", question=problem.question, gold=problem.gold or "", said=said)
        try:
            (reply,) = await sample(self._model, [Message("user", prompt)], self._sampling)
        except FatalModelError:
            raise
        except ModelError as error:
            return Reading(reward=NAME, why=f"the judge could not be asked: {error}"[:300], missing=True)
        found = _VERDICT.search(reply.text[-200:]) if reply.finish == "stop" else None
        if found is None:
            return Reading(reward=NAME, why="the judge's reply does not end in [0] or [1]")
        return Reading(reward=NAME, value=float(found[1]))
