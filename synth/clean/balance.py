"""Balance: fewer rows of what there is much of, by a property of their problems such as domain or difficulty.

Which rows of a bucket stay is drawn by a seeded hash of run and id, so the draw does not depend on their order. How
many stay in a bucket is known once all rows were counted: the export derives them twice, and keeps eight bytes a row.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import BeforeValidator, Field, model_validator

from longthought.synth.clean.passes import Gate, Keeper, Mark, Origin
from longthought.synth.derive.rows import Row
from longthought.synth.lot import lot

#: The bucket of problems that do not have the property.
NONE = "none"

#: A level that YAML reads as a number is a bucket like any other.
_Bucket = Annotated[str, BeforeValidator(lambda name: str(name) if isinstance(name, int | float) else name)]


class Balance(Gate):
    """``by`` names a key of the problems' metadata; a dot leads into a mapping.

    Each bucket keeps at most ``cap`` rows, and the buckets stand in ``ratio`` to each other: ``even``, or a number for
    each bucket (those that it does not name are left out).
    """

    name: ClassVar[str] = "balance"

    by: str = Field(min_length=1)
    cap: int | None = Field(default=None, ge=1)
    ratio: Literal["even"] | dict[_Bucket, float] | None = None
    #: Numbers are put into the ranges between these, such as ``[0.3, 0.7]``: below 0.3, from 0.3 to 0.7, from 0.7.
    edges: tuple[float, ...] = ()
    seed: int = 0

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if self.cap is None and self.ratio is None:
            raise ValueError("name a cap, a ratio, or both")
        if isinstance(self.ratio, dict) and not all(1e-6 <= share <= 1e6 for share in self.ratio.values()):
            raise ValueError(
                "the numbers of a ratio are above 0 (1e-6 to 1e6); leave a bucket out to drop it"
            )
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges rise from one to the next")
        return self

    def mark(self, row: Row, origin: Origin) -> Mark:
        return (self._bucket(origin), int.from_bytes(lot(self.seed, f"{row.run}|{row.id}")))

    def keeper(self) -> Keeper:
        return _Quotas(self)

    @property
    def counts_first(self) -> bool:
        return True

    def _bucket(self, origin: Origin) -> str:
        value: object = origin.problem.metadata
        for key in self.by.split("."):
            value = cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
        if value is None:
            return NONE
        if self.edges and isinstance(value, (int, float)):
            number = sum(value >= edge for edge in self.edges)
            below = f"from {self.edges[number - 1]:g}" if number else ""
            above = f"below {self.edges[number]:g}" if number < len(self.edges) else ""
            return " ".join(part for part in (below, above) if part)
        return str(value)

    def quotas(self, counts: dict[str, int]) -> dict[str, int]:
        """How many rows each bucket keeps."""
        quotas = dict(counts)
        if self.ratio is not None:
            shares = dict.fromkeys(counts, 1.0) if self.ratio == "even" else self.ratio
            # The bucket that there is least of, by its share, sets the measure for all.
            unit = min(
                (counts[name] / share for name, share in shares.items() if counts.get(name)), default=0
            )
            quotas = {name: round(unit * shares.get(name, 0)) for name in counts}
        return {name: min(quota, self.cap or quota) for name, quota in quotas.items()}


class _Quotas(Keeper):
    """First sees all marks, then refuses in each bucket what was drawn behind its quota."""

    def __init__(self, balance: Balance) -> None:
        self._balance = balance
        self._lots: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._last: dict[str, int] | None = None

    def see(self, mark: Mark) -> None:
        bucket, lot = cast("tuple[str, int]", mark)
        self._lots[bucket].append(lot)

    def refuses(self, mark: Mark) -> str | None:
        bucket, lot = cast("tuple[str, int]", mark)
        if self._last is None:
            quotas = self._balance.quotas({name: len(lots) for name, lots in self._lots.items()})
            self._last = {
                name: sorted(lots)[quotas[name] - 1] if quotas[name] else -1
                for name, lots in self._lots.items()
            }
            self._lots.clear()
        return f"balance: enough of {bucket}" if lot > self._last[bucket] else None
