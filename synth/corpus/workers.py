"""A recipe at work in several processes: blocks go out as they are read, and what is made of them comes back in order.

At most a few blocks are under way, so memory does not grow with the corpus. Ctrl-C reaches the process that writes
and nobody else; a worker that dies is an error, and workers whose parent was killed end by themselves.
"""

from __future__ import annotations

import gc
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import parent_process
from multiprocessing.connection import wait
from typing import Any, cast

from longthought.agents.errors import RunError
from longthought.agents.rewards.pool_context import ScoringContext
from longthought.synth.corpus.blocks import Block
from longthought.synth.corpus.recipe import Made, Recipe

#: Where nobody says how many are to work, fewer blocks than this are not worth starting processes for.
_FEW = 8
#: And more workers than this would wait for the one that writes.
_MOST = 8
#: Blocks that a worker finds waiting when it is done with one.
_AHEAD = 2


def make_all(recipe: Recipe, blocks: Iterable[Block], workers: int | None = None) -> Iterator[Made]:
    """What is made of each block, in the order of the blocks; without ``workers`` as many as there are processors.

    Raises:
        UsageError: a block holds what is no transcript.
        RunError: a worker died.
    """
    blocks = iter(blocks)
    if workers is None:
        first = list(islice(blocks, _FEW + 1))
        workers = min(_MOST, len(os.sched_getaffinity(0))) if len(first) > _FEW else 1
        blocks = chain(first, blocks)
    return _in_turn(recipe, blocks, workers) if workers > 1 else map(recipe.make, blocks)


def _in_turn(recipe: Recipe, blocks: Iterator[Block], workers: int) -> Iterator[Made]:
    # Workers are forked from a server that has imported these; a missing one is complained of where it is needed.
    needs = [module for one in recipe.filters for module in one.needs]
    arrow = ["pyarrow.parquet"] if "parquet" in recipe.formats else []
    context = ScoringContext([__name__, *arrow, *needs])
    context.start_server()
    try:
        with ProcessPoolExecutor(workers, cast("Any", context), _begin, (recipe,)) as pool:
            under_way: deque[Future[Made]] = deque()
            try:
                for block in blocks:
                    under_way.append(pool.submit(_work, block))
                    if len(under_way) > _AHEAD * workers:
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            except BrokenProcessPool as error:
                raise RunError(
                    "export: a worker died (out of memory?); fewer --workers need less of it, and the "
                    "corpus that stood there before is untouched"
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        context.stop_server()


# --- in the worker ----------------------------------------------------------------------------------------------

_recipe: Recipe


def _begin(recipe: Recipe) -> None:
    global _recipe
    _recipe = recipe
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    # What was imported stays; the collector need not look at it after every few transcripts.
    gc.freeze()


def _work(block: Block) -> Made:
    return _recipe.make(block)


def _outlive_nobody() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
