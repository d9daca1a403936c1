"""Counts what an export made, and lets rows through its gates in the order of the corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.synth.clean.passes import Mark
from longthought.synth.corpus.recipe import Made, Read, Recipe, Split
from longthought.synth.corpus.row_files import Lines


class Tally:
    """The one memory of an export: counts, what gates remember, and the names of the runs."""

    def __init__(self, recipe: Recipe, sources: Sequence[Path]) -> None:
        self._recipe, self._sources = recipe, sources
        self._gates = {kind: recipe.gates(kind) for kind in recipe.kinds}
        self._keepers = {kind: [gate.keeper() for gate in gates] for kind, gates in self._gates.items()}
        self.read = Read()
        #: Of each source the debates of each of its runs; a file of imported thoughts may hold several.
        self.runs = [Counter[str]() for _ in sources]
        self.dropped: dict[str, Counter[str]] = {kind: Counter() for kind in recipe.kinds}
        self.counted: dict[str, Counter[str]] = {kind: Counter() for kind in recipe.kinds}
        self._to_show: list[tuple[str, str, str]] = []
        self._shown = Counter[tuple[str, str]]()

    @property
    def counts_first(self) -> bool:
        """Whether a gate has to see all marks before anything is written."""
        return any(gate.counts_first for gates in self._gates.values() for gate in gates)

    def counting(self) -> Recipe:
        """The recipe with nothing to write."""
        return replace(self._recipe, formats=(), show=0)

    def count(self, made: Made) -> None:
        """Show marks to the gates that count first: those of rows that the gates before them let through."""
        for (kind, _), batch in made.batches.items():
            for marks in batch.marks:
                for gate, keeper, mark in zip(self._gates[kind], self._keepers[kind], marks, strict=True):
                    if gate.counts_first:
                        keeper.see(mark)
                    elif keeper.refuses(mark):
                        break

    def admit(self, made: Made) -> Iterator[tuple[str, Split, Lines, list[bool] | None]]:
        """What may be written of a block: kind, split, rows, and which of them (None is all)."""
        if not self.read.debates:
            self._forget_first_time()
        self._add(made)
        for (kind, split), batch in made.batches.items():
            if not self._gates[kind]:
                yield kind, split, batch.lines, None
                continue
            reasons = [self._refused(kind, marks) for marks in batch.marks]
            for number, reason in enumerate(reasons):
                if reason is not None:
                    self.dropped[kind][reason] += 1
                    if batch.excerpts:
                        self._show(kind, reason, batch.excerpts[number])
            keep = [reason is None for reason in reasons]
            if any(keep):
                yield kind, split, batch.lines, None if all(keep) else keep

    def shown(self) -> Iterator[tuple[str, str, str]]:
        """What was dropped since the last call, of each kind and reason no more than asked for: kind, reason, text."""
        yield from self._to_show
        self._to_show.clear()

    def why_nothing(self) -> str:
        """Why there is no row at all."""
        debates, informed, suspects = (
            self.read.debates,
            self.read.informed_left_out,
            self.read.suspects_left_out,
        )
        if informed == debates:
            return f"all {debates} debates are informed, and these are only taken in when asked for"
        if informed + suspects == debates:
            return (
                f"of {debates} debates {informed} are informed and {suspects} suspect of injection, "
                "and these are only taken in when asked for"
            )
        return "; ".join(
            f"{kind}: " + (", ".join(f"{n} × {reason}" for reason, n in sorted(dropped.items())) or "no rows")
            for kind, dropped in self.dropped.items()
        )

    # --- pieces -------------------------------------------------------------------------------------------------

    def _add(self, made: Made) -> None:
        self.read += made.read
        for run in made.runs:
            if run not in self.runs[made.source]:
                self._tell_apart(made.source, run)
        self.runs[made.source].update(made.runs)
        for kind, reasons in made.dropped.items():
            self.dropped[kind].update(reasons)
        for kind, found in made.counted.items():
            self.counted[kind].update(found)
        for kind, reason, text in made.shown:
            self._show(kind, reason, text)

    def _tell_apart(self, source: int, run: str) -> None:
        # A row is told from all others by its run and its id, so two sources cannot be of one run.
        first = next((number for number in range(source) if run in self.runs[number]), None)
        if first is not None:
            raise UsageError(
                f"{self._sources[source]}: holds debates of run {run!r}, as {self._sources[first]} does; their rows "
                "could not be told apart, so export them one by one"
            )

    def _refused(self, kind: str, marks: tuple[Mark, ...]) -> str | None:
        for keeper, mark in zip(self._keepers[kind], marks, strict=True):
            reason = keeper.refuses(mark)
            if reason is not None:
                return reason
        return None

    def _show(self, kind: str, reason: str, text: str) -> None:
        self._shown[kind, reason] += 1
        if self._shown[kind, reason] <= self._recipe.show:
            self._to_show.append((kind, reason, text))

    def _forget_first_time(self) -> None:
        """Gates that do not count remember the rows of the first way through; on the second they start afresh."""
        if self.counts_first:
            for kind, gates in self._gates.items():
                kept = zip(gates, self._keepers[kind], strict=True)
                self._keepers[kind] = [
                    keeper if gate.counts_first else gate.keeper() for gate, keeper in kept
                ]
