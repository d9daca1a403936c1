"""Losses planted into paraphrases; for the measurement of the check (``rewrite_check``).

Written before the check, as the rules of ``rewrite_paraphrases`` were.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Literal, get_args

from benchmarks.rewrite_drafts import Draft
from benchmarks.rewrite_paraphrases import (
    ANSWER_LINE,
    ANSWERS,
    BANK,
    QUOTED,
    Told,
    reworded_line,
    way_back,
)
from longthought.agents.rewards.arithmetic import NotArithmetic, evaluate

Loss = Literal["dropped step", "changed number", "swapped answer", "vanished branch"]
LOSSES: tuple[Loss, ...] = get_args(Loss)


def plant(loss: Loss, draft: Draft, told: list[Told], random: Random) -> tuple[list[Told], str] | None:
    """The paraphrase with a loss in it, and which; None where it does not fit."""
    match loss:
        case "dropped step":
            return _dropped(told, random)
        case "changed number":
            return _changed(told, random)
        case "swapped answer":
            return _swapped(draft, told, random)
        case "vanished branch":
            return _vanished(told, random)


def _dropped(told: list[Told], random: Random) -> tuple[list[Told], str] | None:
    thoughts = [at for at, one in enumerate(told) if one.piece.kind == "thought"]
    # A step that says nothing ("Right.") is no loss.
    saying = [
        at for at in thoughts[:-1]
        if re.search(r"\d", told[at].piece.text) or len(re.findall(r"[A-Za-z]{4,}", told[at].piece.text)) >= 5
    ]  # fmt: skip
    if not saying:
        return None
    at = random.choice(saying)
    return [*told[:at], *told[at + 1 :]], f"dropped {told[at].piece.text!r}"


def _changed(told: list[Told], random: Random) -> tuple[list[Told], str] | None:
    places = [
        (at, found)
        for at, one in enumerate(told)
        for found in re.finditer(r"(?<![\d.,])\d+(?:,\d{3})*(?:\.\d+)?(?![\d])", one.text)
    ]
    if not places:
        return None
    at, found = random.choice(places)
    old = found[0]
    new = _other_number(old, random)
    text = told[at].text[: found.start()] + new + told[at].text[found.end() :]
    return [*told[:at], replace(told[at], text=text), *told[at + 1 :]], f"{old} to {new} in {told[at].text!r}"


def _other_number(old: str, random: Random) -> str:
    digits = [i for i, sign in enumerate(old) if sign.isdigit()]
    value = float(old.replace(",", ""))
    while True:
        match random.randint(0, 3):
            case 0 if "." not in old and "," not in old:
                new = str(int(old) + random.choice((-10, -2, -1, 1, 2, 5, 10)))
            case 1 if value:
                new = f"{old}0" if "." not in old and "," not in old else old
            case 2 if len(digits) > 1 and "," not in old and "." not in old:
                one, two = random.sample(digits, 2)
                swapped = list(old)
                swapped[one], swapped[two] = swapped[two], swapped[one]
                new = "".join(swapped)
            case _:
                at = random.choice(digits)
                new = old[:at] + random.choice("0123456789") + old[at + 1 :]
        if not new.startswith("-") and float(new.replace(",", "")) != value:
            return new


def _swapped(draft: Draft, told: list[Told], random: Random) -> tuple[list[Told], str] | None:
    """Another answer where the thought states it."""
    at = max(at for at, one in enumerate(told) if one.piece.kind == "thought")
    stated = ANSWER_LINE.search(told[at].piece.text)
    if stated is None:
        return None
    other = _other_answer(draft, random)
    if other is None or _same_expression(other, draft.answer):
        return None
    *lines, _ = told[at].piece.text.split("\n")
    kept = "\n".join(reworded_line(line, random) for line in lines)
    text = "\n".join(filter(None, (kept, random.choice(ANSWERS).format(answer=other))))
    return [*told[:at], replace(told[at], text=text), *told[at + 1 :]], f"{draft.answer} to {other}"


def _same_expression(one: str, other: str) -> bool:
    """Both are calculations with the same numbers and the same value, so neither is wrong where the other is right."""
    try:
        first, second = evaluate(one), evaluate(other)
    except NotArithmetic:
        return False
    return first.value == second.value and sorted(first.numbers) == sorted(second.numbers)


def _other_answer(draft: Draft, random: Random) -> str | None:
    answer = draft.answer
    if re.fullmatch(r"[\d+\-*/() ]*[+\-*/][\d+\-*/() ]*", answer):
        signs = [i for i, sign in enumerate(answer) if sign in "+-*/"]
        numbers = re.findall(r"\d+", answer)
        if random.random() < 0.5:
            at = random.choice(signs)
            return answer[:at] + random.choice([s for s in "+-*" if s != answer[at]]) + answer[at + 1 :]
        old = random.choice(numbers)
        return re.sub(rf"\b{old}\b", str(int(old) + random.choice((1, 2, 3))), answer, count=1)
    numbers = list(re.finditer(r"\d+(?:\.\d+)?", answer))
    if numbers:
        found = random.choice(numbers)
        earlier = [n for piece in draft.pieces for n in re.findall(r"\d+", piece.text) if n != found[0]]
        new = random.choice(earlier) if earlier and random.random() < 0.5 else _other_number(found[0], random)
        if float(new) == float(found[0]):
            return None
        return answer[: found.start()] + new + answer[found.end() :]
    return None


def _vanished(told: list[Told], random: Random) -> tuple[list[Told], str] | None:
    """Of a branch that was gone back on, all of it, its thought, its reason, or its way back is gone."""
    backs = [
        at
        for at, one in enumerate(told)
        if at and one.piece.kind == "way back" and one.piece.why and told[at - 1].piece.kind == "thought"
        and (QUOTED.search(one.piece.text.replace(one.piece.why, "", 1)) or re.search(r"begin|start", one.piece.text))
    ]  # fmt: skip
    if not backs:
        return None
    at = random.choice(backs)
    piece = told[at].piece
    match random.choice(("branch", "thought", "reason", "way back")):
        case "branch":
            return [*told[: at - 1], *told[at + 1 :]], f"branch {told[at - 1].text!r}"
        case "thought" | "turning thought":
            return [*told[: at - 1], *told[at:]], f"thought {told[at - 1].text!r}"
        case "reason":
            if piece.why in BANK.no_reason:
                return None
            bare = replace(told[at], text=way_back(piece, random, reason=False))
            return [*told[:at], bare, *told[at + 1 :]], f"reason {piece.why!r}"
        case _:
            why = f"{piece.why[0].upper()}{piece.why[1:]}".rstrip(".") + "."
            bare = replace(told[at], text=why)
            return [*told[:at], bare, *told[at + 1 :]], f"way back of {piece.text!r}"
