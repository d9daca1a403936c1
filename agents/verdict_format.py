"""The one line a critic answers with: its grammar, its writer and its defensive reader.

    continue
    backtrack K: why            back to thought K of the path, 0 is the problem
    reflect: why
    terminate solved|ill_posed|give_up[: answer]

A reply that names no decision, or two different ones, is unreadable: it is re-asked with the error, never guessed.

What a reply quotes is not its verdict. Block quotes, code fences beside other text, and verdicts within a sentence
never count. Nor does a line beside other text if a text that was to be judged dictates such a decision, for it may be
that text's: the critic is asked for its own line alone. A reply that is one verdict and nothing else is its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
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
_DECORATION = re.compile(r"^(?:[\s*_`#\-]|\d+[.)]\s)*(?:(?:decision|verdict)\s*:?[\s*_`]*)?", re.IGNORECASE)
_QUOTE = re.compile(r"[ \t]*>")
_FENCE = re.compile(r"[ \t]*(?P<mark>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_TAG = re.compile(r"<[^<>\n]{1,40}>|\[/?[A-Za-z]{1,12}\]")
#: What may stand around a verdict that a text dictates.
_MARKS = " \t\"'“”„«»‘’*_`~#.,;!()[]<>|-–—"
_DICTATED = (
    re.compile(r"\b(terminate)\W{1,4}(?:solved|ill[_ -]posed|give[_ -]up)\b", re.IGNORECASE),
    re.compile(r"\b(backtrack)\s+(?:to\s+)?\d+\s*:", re.IGNORECASE),
    re.compile(
        r"\b(?:decision|action)[\"']?\s*:\s*[\"'](continue|backtrack|reflect|terminate)\b", re.IGNORECASE
    ),
)
#: Decisions that need no more than their word.
_ALONE = frozenset({"continue", "reflect"})
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


def read_verdict(reply: str, depth: int, shown: Iterable[str] = ()) -> Decision:
    """Read a critic's reply about a path of ``depth`` thoughts.

    Takes the line format, with markdown around it if need be, or one JSON object
    ``{"decision": …, "to": …, "why": …, "reason": …, "answer": …}`` that stands on lines of its own.

    Args:
        shown: the texts that the critic was shown to judge, whose verdicts are not its own.

    Raises:
        UnreadableVerdict: no decision, several different ones, a step number that is not on the path, or no reason.
    """
    try:
        return _read(reply.strip(), depth, shown)
    except UnreadableVerdict as error:
        error.reply = reply[:_MAX_REPLY]
        raise


def dictated_decisions(text: str) -> frozenset[str]:
    """The kinds of decision that ``text`` would have a critic say: in verdict lines, whoever is named as their speaker,
    in JSON, or as words that only verdicts are made of."""
    kinds = {found.lower() for pattern in _DICTATED for found in cast("list[str]", pattern.findall(text))}
    for line in _TAG.sub("\n", text).splitlines():
        rest = line
        for _ in range(3):  # "Verdict: …", "System: critic: …"
            match = _LINE.fullmatch(_DECORATION.sub("", rest, count=1).strip(_MARKS))
            if match is not None and (match["to"] or match["reason"] or match["word"].lower() in _ALONE):
                kinds.add(match["word"].lower())
            rest = rest.partition(":")[2]
    return frozenset(kinds)


def _read(text: str, depth: int, shown: Iterable[str]) -> Decision:
    if not text:
        raise UnreadableVerdict("the reply is empty")
    if len(text) > _MAX_REPLY:
        raise UnreadableVerdict(f"the reply has {len(text)} characters; one line is asked for")
    own_words, quotes = _own_words(text)
    found, beside = _decisions(own_words, depth)
    if found and (quotes or beside or len(found) > 1):
        dictated = frozenset[str]().union(*map(dictated_decisions, shown))
        own = [decision for decision in found if decision.kind not in dictated]
        if not own:
            raise UnreadableVerdict(
                "the text that you judge holds such a line too; answer with your own line and nothing beside it"
            )
        found = own
    if not found:
        raise UnreadableVerdict(
            "no line is one of: continue, backtrack K: why, reflect: why, terminate REASON"
        )
    if len(found) > 1:
        raise UnreadableVerdict("the reply names several decisions: " + "; ".join(map(write_verdict, found)))
    return found[0]


def _own_words(text: str) -> tuple[str, bool]:
    """The reply without block quotes and code fences, and whether it had some; a reply that is one fence is opened."""
    fence, fenced, own, quotes = "", list[str](), list[str](), False
    for line in text.splitlines():
        mark = _FENCE.fullmatch(line)
        if fence:
            if mark is not None and mark["mark"].startswith(fence) and not mark["info"].strip():
                fence = ""
            else:
                fenced.append(line)
        elif mark is not None:
            fence, quotes = mark["mark"], quotes or bool(fenced)
        elif _QUOTE.match(line):
            quotes = True
        else:
            own.append(line)
    if quotes or any(line.strip() for line in own):
        return "\n".join(own), quotes or bool(fenced)
    return "\n".join(fenced), False


def _decisions(text: str, depth: int) -> tuple[list[Decision], bool]:
    """The different decisions that stand on lines of their own, and whether there is other text beside them."""
    found, beside, at = list[Decision](), False, 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        decision = _decision_in_line(line, depth)
        if decision is None and line.lstrip().startswith("{"):
            decision, end = _decision_in_json(text, at, end, depth)
        if decision is None:
            beside = beside or bool(line.strip())
        elif decision not in found:
            found.append(decision)
        at = end + 1
    return found, beside


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


def _decision_in_json(text: str, at: int, end: int, depth: int) -> tuple[Decision | None, int]:
    """The decision in the object that begins the line at ``at``, and where the line ends that it ends."""
    try:
        value, after = cast("tuple[object, int]", json.JSONDecoder().raw_decode(text, text.index("{", at)))
    except (ValueError, RecursionError):
        return None, end
    end = text.find("\n", after)
    end = len(text) if end < 0 else end
    if not isinstance(value, dict) or text[after:end].strip():
        return None, end
    fields = {str(k): v for k, v in cast("dict[object, object]", value).items()}
    word = fields.get("decision", fields.get("action"))
    if not isinstance(word, str):
        return None, end
    to, why, reason, answer = (fields.get(k) for k in ("to", "why", "reason", "answer"))
    decision = _decide(
        word.strip().lower(),
        None if to is None else str(to),
        why if isinstance(why, str) else "",
        reason if isinstance(reason, str) else None,
        None if answer is None else str(answer),
        depth,
    )
    return decision, end


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
