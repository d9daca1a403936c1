"""The one line a critic answers with: its grammar, its writer and its defensive reader.

    continue
    backtrack K: why            back to thought K of the path, 0 is the problem
    reflect: why
    terminate solved|ill_posed|give_up[: answer]

A reply that names no decision, or two different ones, is unreadable: it is re-asked with the error, never guessed.
"""

from __future__ import annotations

import json
import re
from typing import cast

from longthought.agents.decisions import Backtrack, Continue, Decision, Reason, Reflect, Terminate
from longthought.agents.errors import UnreadableVerdict


def verdict_regex(depth: int) -> str:
    """The grammar for engines that can constrain their output, for a path of ``depth`` thoughts.

    Bounded everywhere, for an open repetition lets a model burn its tokens; up to ten thoughts it only names steps that
    are there.
    """
    step = f"[0-{depth - 1}]" if depth <= 10 else "[0-9]{1,2}"
    return (
        f"(continue|backtrack {step}: [^\\n]{{1,160}}|reflect: [^\\n]{{1,160}}"
        "|terminate (solved|ill_posed|give_up)(: [^\\n]{1,160})?)"
    )


_LINE = re.compile(
    r"(?P<word>continue|backtrack|reflect|terminate)"
    r"(?:\s+(?:to\s+)?(?P<to>\d{1,6}))?"
    r"(?:\s+(?P<reason>solved|ill[_ -]posed|give[_ -]up))?"
    r"\s*(?:[:.\-–—]\s*(?P<rest>.*))?",
    re.IGNORECASE,
)
_DECORATION = re.compile(r"^(?:[\s>*_`#\-]|\d+[.)]\s)*(?:(?:decision|verdict)\s*:?[\s*_`]*)?", re.IGNORECASE)
#: Most verdicts are this one, and it holds nothing.
_CONTINUE = Continue()
_REASONS: dict[str, Reason] = {"solved": "solved", "ill_posed": "ill_posed", "give_up": "give_up"}
_MAX_REPLY = 20_000
_MAX_WHY = 2_000


def write_verdict(decision: Decision) -> str:
    """The decision as the line that ``read_verdict`` reads back."""
    match decision:
        case Continue():
            return "continue"
        case Backtrack(to=to, why=why):
            return f"backtrack {to}: {_one_line(why)}"
        case Reflect(why=why):
            return f"reflect: {_one_line(why)}"
        case Terminate(reason=reason, answer=answer):
            return f"terminate {reason}" + (f": {_one_line(answer)}" if answer else "")


def read_verdict(reply: str, depth: int) -> Decision:
    """Read a critic's reply about a path of ``depth`` thoughts.

    Takes the line format, with markdown around it if need be, or one JSON object
    ``{"decision": …, "to": …, "why": …, "reason": …, "answer": …}``.

    Raises:
        UnreadableVerdict: no decision, several different ones, a step number that is not on the path, or no reason.
    """
    try:
        return _read(reply.strip(), depth)
    except UnreadableVerdict as error:
        error.reply = reply[:_MAX_REPLY]
        raise


def _read(text: str, depth: int) -> Decision:
    if not text:
        raise UnreadableVerdict("the reply is empty")
    if len(text) > _MAX_REPLY:
        raise UnreadableVerdict(f"the reply has {len(text)} characters; one line is asked for")
    found = _decisions_in_json(text, depth) if "{" in text else []
    if not found:
        for line in text.splitlines():
            decision = _decision_in_line(line, depth)
            if decision is not None and decision not in found:
                found.append(decision)
    if not found:
        raise UnreadableVerdict(
            "no line is one of: continue, backtrack K: why, reflect: why, terminate REASON"
        )
    if len(found) > 1:
        raise UnreadableVerdict("the reply names several decisions: " + "; ".join(map(write_verdict, found)))
    return found[0]


def _decision_in_line(line: str, depth: int) -> Decision | None:
    plain = line.strip()
    bare = _DECORATION.sub("", plain, count=1)
    # Closing marks belong to the decoration only where there are opening ones; else they are the critic's words.
    marks = "*_`" if bare != plain else ""
    match = _LINE.fullmatch(bare.strip().strip(marks).strip() if marks else bare)
    if match is None:
        return None
    rest = (match["rest"] or "").strip()
    rest = rest.strip(marks).strip() if marks else rest
    return _decide(match["word"].lower(), match["to"], rest, match["reason"], rest or None, depth)


def _decisions_in_json(text: str, depth: int) -> list[Decision]:
    decoder, at, found = json.JSONDecoder(), 0, list[Decision]()
    while (at := text.find("{", at)) >= 0:
        try:
            value, end = cast("tuple[object, int]", decoder.raw_decode(text, at))
        except (ValueError, RecursionError):
            at += 1
            continue
        at = end
        if not isinstance(value, dict):
            continue
        fields = {str(k): v for k, v in cast("dict[object, object]", value).items()}
        word = fields.get("decision", fields.get("action"))
        if not isinstance(word, str):
            continue
        to, why, reason, answer = (fields.get(k) for k in ("to", "why", "reason", "answer"))
        decision = _decide(
            word.strip().lower(),
            None if to is None else str(to),
            why if isinstance(why, str) else "",
            reason if isinstance(reason, str) else None,
            None if answer is None else str(answer),
            depth,
        )
        if decision not in found:
            found.append(decision)
    return found


def _decide(
    word: str, to: str | None, why: str, reason: str | None, answer: str | None, depth: int
) -> Decision:
    match word:
        case "continue":
            return _CONTINUE
        case "backtrack":
            if to is None or not re.fullmatch(r"\d{1,6}", to) or int(to) >= depth:
                raise UnreadableVerdict(
                    f"backtrack needs a step number from 0 to {depth - 1}, not {'nothing' if to is None else to[:40]}"
                )
            return Backtrack(to=int(to), why=_one_line(why))
        case "reflect":
            return Reflect(why=_one_line(why))
        case "terminate":
            known = _REASONS.get((reason or "").lower().replace(" ", "_").replace("-", "_"))
            if known is None:
                raise UnreadableVerdict("terminate needs a reason: solved, ill_posed or give_up")
            return Terminate(reason=known, answer=_one_line(answer) if answer else None)
        case _:
            raise UnreadableVerdict(f"unknown decision {word[:40]!r}")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_WHY]
