"""How perplexed a model is by the thoughts of debates: exp of the mean negative log-likelihood of their tokens.

STILL-2 (Min et al. 2024, arXiv 2412.09413) selects by it: right thoughts that are still surprising teach the most,
wrong ones that are not are what is to be unlearned. The thought is measured where a row has it: behind the question and
the opening tag, as the model's chat template writes them, with the tokens of the whole message. Question, tags and what
stands behind the thought are not counted. Values are rounded to five figures, for the last ones depend on what shares a
batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Message
from longthought.agents.models.local_weights import Device, load_weights, local_directory, weights_digest
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.derive.solution import Solution, ending, framed
from longthought.synth.imports.whole_reply import taken_apart
from longthought.synth.tokens.row_encoder import RowEncoder
from longthought.train.perplexity_file import PerplexityFile
from longthought.train.starting_point import model_source

#: Debates whose thoughts are sorted by length into batches, and then written.
_CHUNK = 64
_TOLD: dict[str, Solution] = {
    "journey": Journey(solved_only=False),
    "shortcut": Shortcut(solved_only=False),
}


@dataclass(slots=True)
class Measured:
    """Debates in the file: those that were there before, and new ones; and thoughts that were too long."""

    before: int = 0
    new: int = 0
    too_long: int = 0


def measure_perplexities(
    source: Path,
    out: Path,
    model: str,
    *,
    device: Device = "auto",
    batch_tokens: int = 4096,
    called: str | None = None,
    on_progress: Callable[[Measured], None] | None = None,
) -> Measured:
    """A line for every debate of ``source`` that ``out`` does not hold yet.

    Args:
        source: a run directory or a file of transcripts.
        model: a directory or hub name; ``embedded`` is the model that comes with the package.
        batch_tokens: tokens in one forward pass, padding included.
        called: what the file calls the model, instead of ``model``.

    Raises:
        UsageError: no debates, no such model, or ``out`` is of another model or no such file.
        FatalModelError: the model cannot be loaded.
        RunError: ``out`` cannot be written; it is whole up to there.
    """
    where = model_source(model)
    weights = weights_digest(local_directory(where))
    measured = Measured()
    with PerplexityFile(out, called or model, weights) as file:
        measured.before = len(file.held)
        todo = (
            taken_apart(each) for each in read_transcripts(source) if (each.run, each.id) not in file.held
        )
        scorer: _Scorer | None = None
        while chunk := list(islice(todo, _CHUNK)):
            # Loaded only if there is work.
            scorer = scorer or _Scorer(where, device, batch_tokens)
            file.append(scorer.lines(chunk, measured))
            measured.new += len(chunk)
            if on_progress is not None:
                on_progress(measured)
    if not measured.before + measured.new:
        raise UsageError(f"{source}: no finished debate here yet; let the run go on first")
    return measured


class _Scorer:
    """A model and its tokenizer."""

    def __init__(self, source: str, device: Device, batch_tokens: int) -> None:
        self._weights = load_weights(source, device, "auto", None)
        self._encoder = RowEncoder(self._weights.tokenizer)
        self._batch_tokens = batch_tokens

    def lines(self, transcripts: Sequence[Transcript], measured: Measured) -> Iterator[dict[str, Any]]:
        """A line for each debate; null where it has no such thought, or one that the model has no room for."""
        lines: list[dict[str, Any]] = [
            {"id": each.id, "run": each.run, "journey": None, "shortcut": None} for each in transcripts
        ]
        texts: list[tuple[int, str, list[int], int]] = []
        for number, transcript in enumerate(transcripts):
            for told, kind in _TOLD.items():
                encoded = self._encode(transcript, kind)
                if encoded is None:
                    continue
                ids, first = encoded
                if len(ids) > self._weights.context:
                    measured.too_long += 1
                else:
                    texts.append((number, told, ids, first))
        for batch in self._batches(texts):
            values = self._values([(ids, first) for _, _, ids, first in batch])
            for (number, told, _, _), value in zip(batch, values, strict=True):
                lines[number][told] = value
        yield from lines

    def _encode(self, transcript: Transcript, kind: Solution) -> tuple[list[int], int] | None:
        """The ids of question and thought up to the thought's end, and where it begins; None where there is none."""
        pieces = kind.thought(transcript)
        if isinstance(pieces, Dropped) or not pieces:
            return None
        message = framed(pieces, transcript, kind.tags, "all")
        if isinstance(message, Dropped):
            return None
        chat = [Message("user", transcript.problem.question), Message("assistant", message.text)]
        start, end = len(kind.tags.open), len(message.text) - len(ending(transcript, kind.tags))
        (row,) = self._encoder.encode_rows([chat], [{1: (start, end)}])
        (own,) = np.nonzero((row.owners == 1) & (row.lasts >= start) & (row.lasts < end))
        if not len(own):
            raise UsageError(
                f"{transcript.id}: the chat template of {self._weights.tokenizer.name_or_path} loses the thought"
            )
        # Nothing goes before the very first token of a text, so it has no likelihood.
        return row.ids[: own[-1] + 1].tolist(), max(int(own[0]), 1)

    def _batches(
        self, texts: Iterable[tuple[int, str, list[int], int]]
    ) -> Iterator[list[tuple[int, str, list[int], int]]]:
        batch: list[tuple[int, str, list[int], int]] = []
        # Longest first, so that one padded length serves the batch and a lack of memory shows at once.
        for text in sorted(texts, key=lambda each: -len(each[2])):
            if batch and (len(batch) + 1) * len(batch[0][2]) > self._batch_tokens:
                yield batch
                batch = []
            batch.append(text)
        if batch:
            yield batch

    def _values(self, batch: Sequence[tuple[list[int], int]]) -> list[float | None]:
        import torch

        model, pad = self._weights.model, self._weights.tokenizer.pad_token_id or 0
        longest = max(len(ids) for ids, _ in batch)
        inputs = torch.full((len(batch), longest), pad)
        labels = torch.full((len(batch), longest), -100)
        for row, (ids, first) in enumerate(batch):
            inputs[row, : len(ids)] = torch.tensor(ids)
            labels[row, first : len(ids)] = inputs[row, first : len(ids)]
        lengths = torch.tensor([[len(ids)] for ids, _ in batch])
        seen = (torch.arange(longest) < lengths).long()
        with torch.inference_mode():
            logits: Any = model(
                input_ids=inputs.to(model.device), attention_mask=seen.to(model.device), use_cache=False
            ).logits
            # One text at a time: all logits of a batch as float32 may be more than there is memory for.
            losses = [
                torch.nn.functional.cross_entropy(
                    logits[row, :-1].float(), labels[row, 1:].to(logits.device), ignore_index=-100
                ).item()
                for row in range(len(batch))
            ]
        return [_rounded(loss) for loss in losses]


def _rounded(loss: float) -> float | None:
    # A thought of one token at the very beginning has no token left to count.
    return float(f"{math.exp(min(loss, 700.0)):.5g}") if math.isfinite(loss) else None
