"""The order of training rows: batches of similar length, in random order, so that little is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler
from transformers import Trainer


class LengthBatchSampler(Sampler[int], Sized):
    """Row indices such that each run of ``batch`` has similar lengths.

    Rows are shuffled, sorted by length within pools of 50 batches, and the batches are shuffled again.
    (transformers' own length grouping leaves a pool's batches in order, long before short.)
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._batch = batch
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        order = np.array(self._shuffled(len(self._lengths)))
        pool = 50 * self._batch
        batches = list[np.ndarray[tuple[int], np.dtype[np.int64]]]()
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            rows = rows[np.argsort(self._lengths[rows], kind="stable")]
            batches += [rows[at : at + self._batch] for at in range(0, len(rows), self._batch)]
        # A short batch stays last: the loader cuts by count.
        full = len(order) // self._batch
        for index in self._shuffled(full):
            yield from batches[index].tolist()
        for rest in batches[full:]:
            yield from rest.tolist()

    def _shuffled(self, n: int) -> list[int]:
        order: Any = torch.randperm(n, generator=self._generator)
        return list(order.tolist())


class LengthBatchTrainer(Trainer):
    """transformers' trainer in that order; its dataset has a column ``length``."""

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthBatchSampler:
        return length_batches(self)


def length_batches(trainer: Any) -> LengthBatchSampler:
    """The order for a trainer whose dataset has the column ``length``, which its loaders no longer see."""
    lengths = trainer.train_dataset["length"][:]
    return LengthBatchSampler(lengths, trainer.args.train_batch_size, trainer.args.seed)
