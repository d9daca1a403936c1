"""What a loop is written in: the commands ask, gather, perplexities, export, train and evaluate, each to a place.

Every command names what comes of it below the loop's directory. One whose output is whole is not done again, so a loop
is resumed by running it anew (``scenarios.loop_stages`` keeps the account, and tests count it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from longthought.agents.problems import Problem
from longthought.train.loops.settings import Rows
from longthought.train.settings import FromScratch

#: A directory of weights that a round trained, a base by name, or random weights.
Model = Path | str | FromScratch
Seat = Literal["policy", "critic"]


class Commands(Protocol):
    """The commands. ``name`` is a path like ``round-1/answers``."""

    #: Of the loop; none of the evaluation's is among them.
    problems: Sequence[Problem]

    def ask(
        self,
        name: str,
        seats: Mapping[Seat, Model],
        problems: Sequence[Problem],
        samples: int,
        seed: int,
        *,
        hinted: bool = False,
    ) -> Path:
        """Transcripts of ``samples`` tries of each problem, with these models in these seats.

        ``hinted``: the answer is told with the question; the transcripts have the question without it, and are
        informed. Problems without a gold answer are left out.
        """
        ...

    def seeds(self, name: str) -> Path:
        """Transcripts to imitate."""
        ...

    def gather(self, name: str, sources: Sequence[Path], *, right_only: bool) -> Path:
        """Their transcripts in one file, the samples of a problem side by side."""
        ...

    def export(self, name: str, source: Path, rows: Sequence[Rows], model: Model) -> Path:
        """A corpus of these rows; perplexities that they go by are those of ``model``."""
        ...

    def train(
        self, name: str, how: Literal["sft", "dpo"], start: Model, corpus: Path, longer: float = 1.0
    ) -> Path:
        """What comes of ``start`` on all rows of the corpus, trained ``longer`` times as long as the settings say."""
        ...

    def evaluate(self, name: str, seats: Mapping[Seat, Model]) -> Path | None:
        """Transcripts of the held-out problems; None where the loop has none."""
        ...

    def rows(self, seat: Literal["policy", "critic", "both"]) -> Sequence[Rows]:
        """What the seat learns, where the settings do not say: of whole thoughts journeys, else its own dialogue."""
        ...
