"""One decision out of several: the kind with most votes, and among equal kinds the most frequent argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate

#: The more cautious kind wins a tie: going back costs a step, letting a fault stand costs the solution.
CAUTION = ("backtrack", "reflect", "terminate", "continue")


def vote(decisions: Sequence[Decision]) -> Decision:
    """The decision that most are for.

    Kinds are counted first; a tie goes to the first in ``CAUTION``. Among the winners' decisions the most frequent
    argument is taken (of a backtrack where to, of a termination reason and answer, of a reflection why), of several
    equally frequent ones the first.

    Raises:
        ValueError: there is none.
    """
    if not decisions:
        raise ValueError("nobody decided anything")
    kinds = Counter(decision.kind for decision in decisions)
    kind = max(kinds, key=lambda each: (kinds[each], -CAUTION.index(each)))
    agreed = [decision for decision in decisions if decision.kind == kind]
    arguments = Counter(map(_argument, agreed))
    # max keeps the first of equals.
    return max(agreed, key=lambda each: arguments[_argument(each)])


def objects(decision: Decision) -> bool:
    """Whether it lets the last thought not stand: anything but continuing, or ending as solved."""
    if isinstance(decision, Terminate):
        return decision.reason != "solved"
    return not isinstance(decision, Continue)


def _argument(decision: Decision) -> Hashable:
    match decision:
        case Continue():
            return None
        case Backtrack(to=to):
            return to
        case Reflect(why=why):
            return why
        case Terminate(reason=reason, answer=answer):
            return reason, answer
