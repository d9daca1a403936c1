"""The rewriter's seat: a model rewrites a thought, and is asked once more with what the check complains of.

``smooth`` is O1-Journey's last step of a journey (part 1, from trees to long thoughts: a model joins the steps into one
fluent thought). ``expand`` is after its attempt 4, where human notes are made full thoughts: finer grain, pauses, the
voice of someone who explores, common sense spelled out. Departures: the prompts are our own, the check decides what may
stand (``fidelity``), and where nothing may, the draft does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from longthought.agents.calls import sample
from longthought.agents.errors import ContextLengthError, RefusedError
from longthought.agents.models.contract import Message, Model, Reply, Sampling
from longthought.agents.prompts import Prompts
from longthought.synth.rewrite.fidelity import check
from longthought.synth.rewrite.rewrites import Rewrite, blemish, checked_digest, draft_digest
from longthought.synth.telling.pieces import Piece, joined

Mode = Literal["smooth", "expand"]
PARTS = ("smooth", "expand", "ask", "again")

_BETWEEN = re.compile(r"<rewrite>(.*?)(?:</rewrite>|\Z)", re.S)
#: So many complaints are told at most.
_TOLD = 12


@dataclass(frozen=True, slots=True)
class Rewriter:
    """Asks ``model`` at most ``asks`` times for each thought."""

    model: Model
    sampling: Sampling
    prompts: Prompts
    mode: Mode = "smooth"
    asks: int = 2

    async def rewrite(self, debate: str, question: str, pieces: Sequence[Piece], answer: str) -> Rewrite:
        """The rewrite of one thought, kept or not. Raises what the model raises, but for one prompt refused."""
        draft = joined(pieces)
        messages = [
            Message("system", self.prompts.render(self.mode)),
            Message(
                "user",
                self.prompts.render("ask", question=question, draft=draft),
            ),
        ]
        name = draft_digest(pieces, answer)
        text, asked = "", 0
        complaints: tuple[str, ...] = ()
        while asked < self.asks:
            try:
                (reply,) = await sample(self.model, messages, self.sampling)
            except ContextLengthError:
                complaints = ("the prompt is too long for the model",)
                break
            except RefusedError:
                complaints = ("the server refuses the prompt",)
                break
            asked += 1
            text = said(reply)
            found = check(pieces, answer, text) if text else None
            complaints = _blemishes(reply, text, draft) + (found.complaints if found is not None else ())
            if found is not None and not complaints:
                cuts = tuple(start for start, _ in found.spans)
                digest = checked_digest(name, text, cuts)
                return Rewrite(
                    id=debate, draft=name, kept=True, rewrite=text, cuts=cuts, checked=digest, asked=asked
                )
            messages += [
                Message("assistant", reply.text),
                Message("user", self.prompts.render("again", complaints="\n".join(complaints[:_TOLD]))),
            ]
        return Rewrite(
            id=debate, draft=name, kept=False, rewrite=text, complaints=complaints[:_TOLD], asked=asked
        )


def rewriter_prompts(directory: str | None, base_dir: Path | None = None) -> Prompts:
    """The shipped prompts, or those of a directory.

    Raises:
        UsageError: one is missing or broken.
    """
    return Prompts(directory or "rewriter", base_dir, PARTS)


def said(reply: Reply) -> str:
    """The rewrite in a reply: what stands between its marks, where they are; never the model's own thought."""
    text = reply.text
    if text.lstrip().startswith("<think>"):
        text = text.partition("</think>")[2]
    between = _BETWEEN.findall(text)
    return (between[-1] if between else text).strip()


def _blemishes(reply: Reply, text: str, draft: str) -> tuple[str, ...]:
    if not text:
        return ("there is nothing in it",)
    if reply.finish == "length":
        return ("it breaks off before its end; be shorter",)
    found = blemish(text, draft)
    return (found,) if found else ()
