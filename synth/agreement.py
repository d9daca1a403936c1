"""How far the members of a panel agree: Cohen's and Fleiss' kappa, and the thoughts on which they do not.

What each member said is in the transcript, as readings named ``panel/NAME``; who abstained or was not asked has no
vote. A vote *flags* a thought if it goes back or reflects, as ``longthought judge`` counts. A kappa that votes do not
define, for there are none or all are of one class, is None and never 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from longthought.agents.readings import Reading
from longthought.agents.seats.panel import member_of
from longthought.protocols.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Votes:
    """What the members of a panel said of one thought; ``votes`` holds kinds of decisions by member."""

    debate: int
    thought: int
    votes: dict[str, str]

    @property
    def dissent(self) -> float:
        """The share of votes that are not of the most frequent kind."""
        counts = Counter(self.votes.values())
        return 1 - max(counts.values()) / counts.total() if counts else 0.0


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two members over the ``thoughts`` that both voted on."""

    one: str
    other: str
    thoughts: int
    flags: float | None
    kinds: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """A panel's agreement over a run.

    Attributes:
        thoughts: those that two members or more voted on; ``disputed`` of them with votes of different kinds.
        pairs: Cohen's kappa of every two members, over flag or no flag, and over the four kinds.
        flags, kinds: Fleiss' kappa of the whole panel over the ``whole`` thoughts that every member voted on.
    """

    members: tuple[str, ...]
    thoughts: int
    disputed: int
    pairs: tuple[PairAgreement, ...]
    whole: int
    flags: float | None
    kinds: float | None


def votes_of(transcript: Transcript) -> list[Votes]:
    """The votes on every thought that a panel judged, in order."""
    found: list[Votes] = []
    for judgement in transcript.judgements:
        votes = {
            name: reading.label for name, reading in _said(judgement.readings) if reading.label is not None
        }
        if votes:
            found.append(Votes(transcript.number, judgement.thought, votes))
    return found


def agreement(votes: Sequence[Votes]) -> Agreement | None:
    """The agreement of all members that voted; None where nobody did."""
    members = tuple(dict.fromkeys(name for each in votes for name in each.votes))
    if not members:
        return None
    shared = [each for each in votes if len(each.votes) > 1]
    whole = [[each.votes[name] for name in members] for each in votes if len(each.votes) == len(members)]
    return Agreement(
        members,
        len(shared),
        sum(each.dissent > 0 for each in shared),
        tuple(_pair(one, other, votes) for one, other in combinations(members, 2)),
        len(whole),
        fleiss_kappa([list(map(_flag, row)) for row in whole]),
        fleiss_kappa(whole),
    )


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa (Cohen 1960) of two raters' labels of the same things.

    None where chance alone must make them agree: no pair, or both only ever use one and the same label.
    """
    if not pairs:
        return None
    one, other = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    seen = Fraction(sum(a == b for a, b in pairs), len(pairs))
    chance = Fraction(sum(one[label] * other[label] for label in one), len(pairs) ** 2)
    return _beyond(seen, chance)


def fleiss_kappa(ratings: Sequence[Sequence[str]]) -> float | None:
    """Fleiss' kappa (Fleiss 1971): each row is what all raters, as many in every row, called one thing.

    None where chance alone must make them agree: no row, one rater, or one label throughout.

    Raises:
        ValueError: the rows differ in length.
    """
    if not ratings or len(ratings[0]) < 2:
        return None
    raters = len(ratings[0])
    if any(len(row) != raters for row in ratings):
        raise ValueError("every thing needs as many ratings as the others")
    counts = [Counter(row) for row in ratings]
    agreeing = sum(times * (times - 1) for row in counts for times in row.values())
    seen = Fraction(agreeing, len(ratings) * raters * (raters - 1))
    labels = Counter(label for row in ratings for label in row)
    chance = Fraction(sum(times**2 for times in labels.values()), (len(ratings) * raters) ** 2)
    return _beyond(seen, chance)


def disputes(transcript: Transcript) -> list[tuple[float, dict[str, Any]]]:
    """The thoughts with dissent, each with how much: the problem, the path to it, who said what, what was decided.

    This is what a human should annotate first. Rows are JSON; gold answers are not in them.
    """
    rows: list[tuple[float, dict[str, Any]]] = []
    votes = {each.thought: each for each in votes_of(transcript)}
    for judgement in transcript.judgements:
        each = votes.get(judgement.thought)
        if each is None or not each.dissent:
            continue
        path = transcript.path_to(judgement.thought)
        row: dict[str, Any] = {
            "debate": transcript.id,
            "thought": judgement.thought,
            "problem": transcript.problem.question,
            "path": [thought.text for thought in path],
            "said": {
                name: {"decision": reading.label, "why": reading.why}
                for name, reading in _said(judgement.readings)
            },
            "decided": judgement.decision.model_dump(mode="json", exclude_none=True),
            "dissent": round(each.dissent, 4),
        }
        rows.append((each.dissent, row))
    return rows


def _said(readings: Iterable[Reading]) -> list[tuple[str, Reading]]:
    return [(name, reading) for reading in readings if (name := member_of(reading)) is not None]


def _pair(one: str, other: str, votes: Sequence[Votes]) -> PairAgreement:
    both = [(each.votes[one], each.votes[other]) for each in votes if {one, other} <= each.votes.keys()]
    flags = [(_flag(a), _flag(b)) for a, b in both]
    return PairAgreement(one, other, len(both), cohen_kappa(flags), cohen_kappa(both))


def _flag(kind: str) -> str:
    return "flag" if kind in ("backtrack", "reflect") else "no flag"


def _beyond(seen: Fraction, chance: Fraction) -> float | None:
    """Agreement beyond chance, as a share of what is possible beyond it."""
    return None if chance == 1 else float((seen - chance) / (1 - chance))
