"""KTO rows: solutions that are desirable or not, unpaired (Ethayarajh et al. 2024, arXiv 2402.01306).

Every sample of a problem that was scored is a row, so that problems which were always solved, or never, teach as well,
which a pair cannot do. The source takes labels of any kind; here the label is whether the debate ended right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row, UnpairedRow, origin
from longthought.synth.derive.told import Told


class Kto(Told):
    """One row for each scored debate."""

    row: ClassVar[type[Row]] = UnpairedRow

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript, message in self.told(samples):
            if isinstance(message, Dropped):
                yield message
                continue
            yield UnpairedRow(
                id=transcript.id,
                **origin(transcript),
                prompt=[{"role": "user", "content": transcript.problem.question}],
                completion=[{"role": "assistant", "content": message.text}],
                label=transcript.outcome.is_right,
            )
