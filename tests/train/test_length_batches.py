from __future__ import annotations

from importlib import import_module
from random import Random
from typing import Any

from torch.utils.data import BatchSampler

from longthought.train.length_batches import LengthBatchSampler

LENGTHS = Random(0).choices(range(10, 500), k=1003)


def test_every_row_comes_once_an_epoch_in_batches_of_similar_length() -> None:
    sampler = LengthBatchSampler(LENGTHS, 8, seed=0)
    order = list(sampler)
    assert sorted(order) == list(range(1003))
    batches = [[LENGTHS[i] for i in order[at : at + 8]] for at in range(0, 1003, 8)]
    padding = sum(max(batch) * len(batch) - sum(batch) for batch in batches) / sum(LENGTHS)
    assert padding < 0.05
    firsts = [batch[0] for batch in batches]
    assert firsts != sorted(firsts)


def test_epochs_differ_and_seeds_repeat() -> None:
    sampler, again = (LengthBatchSampler(LENGTHS, 8, seed=3) for _ in range(2))
    first = list(sampler)
    assert first == list(again)
    sampler.set_epoch(1)
    second = list(sampler)
    assert first != second
    again.set_epoch(1)
    assert second == list(again)


def test_processes_share_steps_and_the_first_rows_fill_up_the_last_one() -> None:
    sampler = LengthBatchSampler(LENGTHS[:13], 8, seed=0)
    order = list(sampler)
    shard: Any = import_module("accelerate.data_loader").BatchSamplerShard
    batches: Any = BatchSampler(sampler, 4, drop_last=False)
    mine, others = (list(shard(batches, 2, process)) for process in (0, 1))
    steps = [[*one, *other] for one, other in zip(mine, others, strict=True)]
    assert steps == [order[:8], [*order[8:], *order[:3]]]
