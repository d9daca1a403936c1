"""Monte-Carlo rollouts: a step is as good as the policy's chances to end right from it.

From a step, the policy completes the solution k times. Math-Shepherd (Wang et al. 2024, §3.3): the *hard* estimate is
1 if any completion ends in the right answer, the *soft* one the share that do. OmegaPRM (Luo et al. 2024, §3.1): the
first error is found by binary search, for a prefix from which the answer was reached once holds no fatal error.
Departures: completions are made step by step in the words of a debate in which every step is continued, and those that
agree so far are continued by one request for several samples; one that is cut, runs out of steps or never answers is
wrong; a step that states a final answer is scored and not completed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from longthought.agents.at_once import at_once
from longthought.agents.errors import RewardError, UsageError
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.seats.contract import Policy
from longthought.agents.thoughts import Path, straight_path

Estimate = Literal["hard", "soft"]
Search = Literal["every", "binary"]


class RolloutReward(Reward):
    """Reads a step by completing the solution from it.

    Args:
        policy: completes; its own sampling settings decide how varied the completions are.
        scorer: says of their answers whether they are right.
        k: completions a step.
        estimate: ``hard`` or ``soft``.
        search: for ``read_steps``, estimate ``every`` step, or find the first error by ``binary`` search, with about
            log2 of the estimates; what follows the first error is then unscored.
        max_steps: of one completion.
        who: what makes two policies the same one, for ``identity``; its class unless given. Only called there, for it
            may have to read weights.

    Raises:
        UsageError: ``binary`` with soft estimates, or a scorer that scores nothing.
    """

    name = "rollouts"
    asks_models = True

    def __init__(
        self,
        policy: Policy,
        scorer: Scorer,
        *,
        k: int = 8,
        estimate: Estimate = "soft",
        search: Search = "every",
        max_steps: int = 24,
        who: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        if k < 1 or max_steps < 1:
            raise UsageError("k and max_steps have to be at least 1")
        if estimate not in ("hard", "soft") or search not in ("every", "binary"):
            raise UsageError("estimate is hard or soft, search is every or binary")
        if search == "binary" and estimate == "soft":
            raise UsageError("search: binary finds the first error by hard estimates; set estimate: hard")
        if scorer.name == "none":
            raise UsageError("completions have to be scored, and the problems name no scorer")
        self.uses_gold = scorer.uses_gold
        self._policy, self._scorer = policy, scorer
        self._k, self._estimate, self._search, self._max_steps = k, estimate, search, max_steps
        self._who = who or (lambda: {"policy": type(policy).__qualname__})

    def identity(self) -> dict[str, Any]:
        settings = {
            "k": self._k,
            "estimate": self._estimate,
            "search": self._search,
            "max_steps": self._max_steps,
        }
        return {**super().identity(), **settings, "scorer": self._scorer.name, "policy": self._who()}

    async def read(self, path: Path) -> Reading:
        if not path.thoughts:
            return Reading(reward=self.name, why="there is no step to read")
        if (answer := path.thoughts[-1].answer) is not None:
            right, scored = await self._score(Counter({answer: 1}), path)
        else:
            right, scored = await self._complete(path)
        if not scored:
            return Reading(reward=self.name, why="the scorer could not score a single completion")
        value = right / scored if self._estimate == "soft" else float(right > 0)
        return Reading(reward=self.name, value=value, why=f"{right} of {scored} completions end right")

    async def read_steps(self, path: Path) -> list[Reading]:
        if self._search == "every":
            # One after the other: two steps may make the same request, and a resumed run has to tell them apart.
            return [await self.read(path.prefix(depth)) for depth in range(1, path.depth + 1)]
        good, bad = 0, path.depth + 1  # depths: known to lead on, known not to
        found: dict[int, Reading] = {}
        while bad - good > 1:
            # The whole solution first: most are right to their end.
            at = path.depth if bad > path.depth else (good + bad) // 2
            found[at] = await self.read(path.prefix(at))
            if found[at].value is None:
                raise RewardError(found[at].why)
            good, bad = (at, bad) if found[at].value else (good, at)
        before = Reading(reward=self.name, value=1.0, why="a later step still led to the right answer")
        after = Reading(reward=self.name, why="after the first error")
        return [
            found.get(at, before) if at <= good else found[at] if at == bad else after
            for at in range(1, path.depth + 1)
        ]

    async def _complete(self, path: Path) -> tuple[int, int]:
        """How many completions end right, and how many could be scored."""
        start = tuple(thought.text for thought in path.thoughts if thought.kind != "reflection")
        answers = Counter[str]()
        lost = 0
        frontier = Counter[tuple[str, ...]]({start: self._k})
        for _ in range(self._max_steps):
            prefixes = list(frontier)
            grown = await at_once(self._grow(path, prefix, frontier[prefix]) for prefix in prefixes)
            frontier = Counter[tuple[str, ...]]()
            for prefix, steps in zip(prefixes, grown, strict=True):
                for text, answer, whole in steps:
                    if answer is not None:
                        answers[answer] += 1
                    elif whole:
                        frontier[*prefix, text] += 1
                    else:
                        lost += 1
            if not frontier:
                break
        right, scored = await self._score(answers, path)
        return right, scored + lost + frontier.total()

    async def _grow(self, path: Path, prefix: tuple[str, ...], n: int) -> list[tuple[str, str | None, bool]]:
        """``n`` next steps: text, the answer that it states, and whether it can be gone on from."""
        steps = await self._policy.propose(straight_path(path.problem, prefix).continued(), n)
        return [
            (
                step.text,
                None if step.truncated else self._scorer.extract(step.text),
                bool(step.text) and not step.truncated,
            )
            for step in steps
        ]

    async def _score(self, answers: Counter[str], path: Path) -> tuple[int, int]:
        readings = await at_once(self._scorer.score(answer, path.problem) for answer in answers)
        right = scored = 0
        for (_, count), reading in zip(answers.items(), readings, strict=True):
            if reading.value is not None:
                scored += count
                right += count * (reading.value >= 1.0)
        return right, scored
