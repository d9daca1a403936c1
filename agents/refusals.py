"""One prompt refused, or all of them? A server's 400 says that it will not take a request, not whose fault that is.

A model that has replied before refuses the prompt: its debate ends. One that never has may be set up wrongly, so that
every debate would end likewise. It is then asked once, with the same settings, to answer a greeting; if it refuses that
too, the run ends before it spends more. This one request is not journalled, for it says nothing of any debate.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from longthought.agents.errors import FatalModelError, ModelError, RefusedError
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
