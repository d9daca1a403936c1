"""Accuracy at equal tokens: every arm may spend the same policy tokens on a problem, and answers by a vote.

A problem's debates are taken in order as long as they fit into the allowance; the answers that their critic let pass
vote, the earliest winning ties. An arm that ends early so spends the rest of its tokens on another try, which is how
sampling alone is compared with searching at equal cost (Snell et al. 2024, §2). Departure: whole debates are taken, so
up to one debate's tokens stay unspent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript

_ANSWERED = (outcomes.SOLVED, outcomes.WRONG, outcomes.UNVERIFIED)


@dataclass(frozen=True, slots=True)
class Try:
    """One debate: the policy tokens it cost, the answer that was let pass, if any, and whether that is right."""

    tokens: int
    answer: str | None
    right: bool


def tries_of(transcripts: Iterable[Transcript]) -> dict[str, list[Try]]:
    """Every problem's debates in the order of their epochs."""
    found: defaultdict[str, list[tuple[int, Try]]] = defaultdict(list)
    for transcript in transcripts:
        used = transcript.usage.get("policy")
        one = Try(used.completion if used else 0, vote_of(transcript), transcript.right)
        found[transcript.problem.id].append((transcript.epoch, one))
    return {
        problem: [one for _, one in sorted(of, key=lambda pair: pair[0])] for problem, of in found.items()
    }


def vote_of(transcript: Transcript) -> str | None:
    """The answer that was let pass, without its blanks, or that it was ill-posed; None where none was."""
    outcome = transcript.outcome
    if outcome.kind == outcomes.ILL_POSED:
        return outcome.told  # in words of its own each time, so that the words are no vote
    if outcome.kind not in _ANSWERED:
        return None
    return without_blanks(outcome.answer or "")


def without_blanks(answer: str) -> str:
    """The answer as answers are compared."""
    return "".join(answer.split())


def within(tries: Sequence[Try], allowance: int) -> list[Try]:
    """The debates that fit, in order, up to the first that does not."""
    fitting: list[Try] = []
    spent = 0
    for one in tries:
        spent += one.tokens
        if spent > allowance:
            break
        fitting.append(one)
    return fitting


def voted(tries: Sequence[Try]) -> bool:
    """Whether the most frequent answer is right; False when none was let pass."""
    answered = [one for one in tries if one.answer is not None]
    if not answered:
        return False
    # Counter keeps the order of birth, and most_common is stable: the earliest of equals wins.
    winner = Counter(one.answer for one in answered).most_common(1)[0][0]
    return next(one.right for one in answered if one.answer == winner)


def accuracy_at(tries: Mapping[str, Sequence[Try]], allowance: int) -> dict[str, float]:
    """By problem, 1 if it is solved within the allowance, else 0."""
    return {problem: float(voted(within(of, allowance))) for problem, of in tries.items()}


def tokens_at(tries: Mapping[str, Sequence[Try]], allowance: int) -> float:
    """Policy tokens of the debates that fit, on average over the problems, without what one that does not fit spent."""
    used = [sum(one.tokens for one in within(of, allowance)) for of in tries.values()]
    return sum(used) / len(used)
