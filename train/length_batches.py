"""The order of training rows: steps of similar length, in random order, so that little is padding.

What is grouped is all rows of an optimiser step, so that these are the same rows in the same order however a step is
divided: into batches that are accumulated, or between processes. (Between processes accelerate fills up an epoch's last
batches with its first rows, which then count twice.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy as np
from torch.utils.data import Sampler
from transformers import Trainer


class LengthBatchSampler(Sampler[int], Sized):
    """Row indices such that each run of ``batch`` has similar lengths; the order is that of the seed and the epoch.

    Rows are shuffled, sorted by length within pools of 50 batches, and the batches are shuffled again.
    (transformers' own length grouping leaves a pool's batches in order, long before short.)
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._batch = batch
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next; a resumed training begins at a later one."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        dice = np.random.default_rng([self._seed, self._epoch])
        order: np.ndarray[tuple[int], np.dtype[np.int64]] = dice.permutation(len(self._lengths))
        pool = 50 * self._batch
        batches = list[np.ndarray[tuple[int], np.dtype[np.int64]]]()
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            rows = rows[np.argsort(self._lengths[rows], kind="stable")]
            batches += [rows[at : at + self._batch] for at in range(0, len(rows), self._batch)]
        # A short batch stays last: the loader cuts by count.
        full = len(order) // self._batch
        for index in dice.permutation(full):
            yield from batches[int(index)].tolist()
        for rest in batches[full:]:
            yield from rest.tolist()


class LengthBatchTrainer(Trainer):
    """transformers' trainer in that order; its dataset has a column ``length``."""

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthBatchSampler:
        return length_batches(self)


def length_batches(trainer: Any) -> LengthBatchSampler:
    """The order for a trainer whose dataset has the column ``length``, which its loaders no longer see."""
    lengths = trainer.train_dataset["length"][:]
    args = trainer.args
    step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
    return LengthBatchSampler(lengths, step, args.seed)
