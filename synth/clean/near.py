"""Near duplicates: of rows that share most of their wording, the first one stays.

MinHash (Broder 1997) over groups of words, compared band by band, as `datasketch` has both; it chooses how many bands
of how many values find pairs above the threshold best. Departures from its index: bands are kept as hashes of 8 bytes,
and the rows themselves not at all, so that a row costs about a kilobyte of memory; a row that shares a band is a near
duplicate without another look, as in the library's own ``query``.
"""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b
from importlib import import_module
from typing import Any, ClassVar, cast

from pydantic import Field

from longthought.agents.errors import UsageError
from longthought.synth.clean.exact import normal
from longthought.synth.clean.passes import Gate, Keeper, Mark, Origin, texts
from longthought.synth.derive.rows import Row


class Near(Gate):
    """``threshold`` is the Jaccard similarity of the sets of groups of ``words`` words, found with 128 hashes.

    The whole row counts, but not its labels: a right and a wrong solution may differ in one number.
    """

    name: ClassVar[str] = "near"
    needs: ClassVar[tuple[str, ...]] = ("datasketch",)

    threshold: float = Field(default=0.8, gt=0, lt=1)
    words: int = Field(default=3, ge=1)
    hashes: int = Field(default=128, ge=16, le=1024)
    seed: int = 1

    def mark(self, row: Row, origin: Origin) -> Mark:
        words = [word for text in texts(row) for word in normal(text).split()]
        groups = {" ".join(words[at : at + self.words]) for at in range(max(1, len(words) - self.words + 1))}
        minhash = _datasketch().MinHash(num_perm=self.hashes, seed=self.seed)
        minhash.update_batch([group.encode("utf-8", "surrogatepass") for group in groups])
        bands, size = self._layout
        # Byte order is fixed, so that the marks are the same on every machine.
        values: bytes = minhash.hashvalues.astype("<u8").tobytes()
        return tuple(
            int.from_bytes(
                blake2b(
                    bytes([band]) + values[8 * band * size : 8 * (band + 1) * size], digest_size=8
                ).digest()
            )
            for band in range(bands)
        )

    def keeper(self) -> Keeper:
        return _Bands()

    def account(self) -> dict[str, Any]:
        bands, size = self._layout
        return {**super().account(), "bands": bands, "hashes_a_band": size}

    @cached_property
    def _layout(self) -> tuple[int, int]:
        # Takes a second; asked for before the work is shared out, it travels to the workers with the options.
        index = _datasketch().MinHashLSH(threshold=self.threshold, num_perm=self.hashes)
        return index.b, index.r


def _datasketch() -> Any:
    try:
        return import_module("datasketch")
    except ImportError as error:
        raise UsageError("near needs datasketch: pip install 'longthought[export]'") from error


class _Bands(Keeper):
    def __init__(self) -> None:
        self._seen: set[int] = set()

    def refuses(self, mark: Mark) -> str | None:
        bands = cast("tuple[int, ...]", mark)
        if not self._seen.isdisjoint(bands):
            return "near: nearly the same as a row before"
        self._seen.update(bands)
        return None
