"""What becomes of a problem that was played, whatever it raised: errors by their boundary, each an outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from longthought.agents.calls import recorder
from longthought.agents.errors import (
    ContextLengthError,
    FatalModelError,
    ModelError,
    OutageError,
    RefusedError,
    RunError,
    UnreadableVerdict,
    UsageError,
)
from longthought.protocols import outcomes
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tree import Tree


async def outcome_of(play: Awaitable[Outcome], tree: Tree) -> Outcome:
    """Await ``play`` with the tree's tape as the recorder of outside calls.

    Raises:
        FatalModelError, OutageError, RunError, UsageError: the whole run cannot go on.
    """
    token = recorder.set(tree.tape)
    try:
        return await play
    except (FatalModelError, OutageError, RunError, UsageError):
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled the debate: a seat lets out a cancellation of its own.
        return outcomes.error("seat", "CancelledError")
    except ContextLengthError:
        return outcomes.limit("context_length", tree.path().answer)
    except RefusedError as error:
        return outcomes.error("refused", str(error))
    except UnreadableVerdict as error:
        return outcomes.error("unreadable_verdict", str(error))
    except ModelError as error:
        return outcomes.error("model", str(error))
    except Exception as error:  # A foreign seat or plug-in failed: its debate is a record all the same.
        return outcomes.error("seat", f"{type(error).__name__}: {error}")
    finally:
        recorder.reset(token)
