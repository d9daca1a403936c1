"""One prompt refused, or all of them? A server's 400 says that it will not take a request, not whose fault that is.

A model that has replied before refuses the prompt: its debate ends. One that never has may be set up wrongly, so that
every debate would end likewise. It is then asked once, with the same settings, to answer a greeting; if it refuses that
too, the run ends before it spends more. This one request is not journalled, for it says nothing of any debate.

A server that fails at every attempt is put to the same test: if it fails at the greeting too, it is out of order, and
the run stops where it is. Otherwise only the one prompt is beyond it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from weakref import WeakKeyDictionary

from longthought.agents.errors import (
    FatalModelError,
    ModelError,
    OutageError,
    RefusedError,
    RetryableError,
)
from longthought.agents.models.contract import Message, Model, Sampling

_GREETING = [Message("user", "Hello")]

#: Whether the model takes requests at all, as far as this process knows.
_takes: WeakKeyDictionary[Model, bool] = WeakKeyDictionary()
#: Of many debates that are refused at once, one finds out for all.
_asking: WeakKeyDictionary[Model, asyncio.Lock] = WeakKeyDictionary()


def replied(model: Model) -> None:
    """Note that the model takes requests."""
    _takes[model] = True


async def refused(model: Model, sampling: Sampling, error: RefusedError) -> ModelError:
    """What a refusal comes to: the error itself, or a FatalModelError if the model refuses whatever it is asked."""
    async with _asking.setdefault(model, asyncio.Lock()):
        if model not in _takes:
            try:
                await model.sample(_GREETING, sampling)
            except (RefusedError, FatalModelError):
                _takes[model] = False
            except ModelError:
                return error  # out of order at the moment: nothing is known
            else:
                _takes[model] = True
    if _takes[model]:
        return error
    return FatalModelError(f"{error}; it refuses a plain greeting too, so the run ends here")


async def failed(model: Model, sampling: Sampling, error: RetryableError) -> ModelError:
    """What a failure of all attempts comes to: the error itself, or an OutageError if the model fails at anything."""
    if error.attempts is not None:
        return error  # it did answer, and not with what can be used
    async with _asking.setdefault(model, asyncio.Lock()):
        try:
            await model.sample(_GREETING, replace(sampling, max_tokens=1, tools=()))
        except RetryableError:
            return OutageError(f"{error}; it does not answer a plain greeting either: resume when it is back")
        except ModelError:
            pass  # it answers
    return error
