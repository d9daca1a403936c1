"""The most that a run can ask and spend, told before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from longthought.agents.rewards.ill_posed_judge import JUDGE_TOKENS
from longthought.agents.seats.critic import MAX_TOOL_ROUNDS
from longthought.agents.seats.solver import MAX_TOKENS
from longthought.protocols.transcript import LONG_THOUGHT
from longthought.scenarios.schema import BUILT_IN, Scenario
from longthought.scenarios.seat_spec import SamplingCriticSpec, SeatSpec

#: How many candidates a debate asks for at once after a first proposal that could not be used.
_CANDIDATES = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """Upper bounds of one run, failed attempts aside. None: an agent or a plug-in decides.

    ``requests`` are those to seats; ``tokens`` completion tokens; ``cost`` that of completion tokens alone.
    """

    debates: int
    requests: int | None
    tokens: int | None
    cost: float | None


def bounds_of(scenario: Scenario, debates: int) -> Bounds:
    """What ``debates`` debates can need at most.

    A turn asks each seat, and each member of a panel, ``asks`` times at most. Asked again, the policy offers several
    candidates at once; a critic with tools may call them for a few rounds before each verdict. A judge of ill-posed
    ends is asked once.
    """
    if scenario.protocol not in BUILT_IN:
        return Bounds(debates, None, None, None)
    branches = scenario.n if scenario.protocol == "best-of-n" else 1
    whole = scenario.protocol == LONG_THOUGHT
    turns = 1 if whole else scenario.budget.turns * branches
    asks = 1 if whole or scenario.protocol == "best-of-n" else scenario.asks
    has_tools = any(spec.mode == "tool" for spec in scenario.rewards.values())
    requests = tokens = 0
    cost = 0.0
    known = True
    for seat, sits in scenario.sitting.items():
        for spec in sits.asked:
            per_ask = 1 + MAX_TOOL_ROUNDS if seat == "critic" and has_tools and spec.agent is None else 1
            replies = 1 + _CANDIDATES * (asks - 1) if seat == "policy" else asks * per_ask
            requests += turns * asks * per_ask
            longest = _longest(spec, whole)
            if longest is None or spec.model is None:
                known = False
                continue
            tokens += turns * replies * longest
            if (price := scenario.models[spec.model].price) is not None:
                cost += turns * replies * longest * price.completion / 1e6
    if scenario.ill_posed is not None and scenario.ill_posed.judge is not None:
        requests += 1
        tokens += JUDGE_TOKENS
        if (price := scenario.models[scenario.ill_posed.judge].price) is not None:
            cost += JUDGE_TOKENS * price.completion / 1e6
    return Bounds(
        debates,
        debates * requests,
        debates * tokens if known else None,
        debates * cost if known and cost else None,
    )


def _longest(spec: SeatSpec, whole: bool) -> int | None:
    """The most completion tokens of one request; None: an agent decides."""
    if spec.agent == "sampling-critic":
        options = SamplingCriticSpec.model_validate(spec.options)
        return options.n * options.max_tokens
    if spec.agent is not None:
        return None
    return spec.sampling_of(MAX_TOKENS).max_tokens if whole else spec.max_tokens
