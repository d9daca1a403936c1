"""The final answer in a rewrite: it stands where the thought ends, and nothing else is called the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longthought.agents.rewards.answer_text import find_answer
from longthought.synth.rewrite.same_numbers import like_the_draft
from longthought.synth.rewrite.sides import runs, side_of
from longthought.synth.rewrite.token import ENDS, Token
from longthought.synth.rewrite.tokens import tokens
from longthought.synth.telling.pieces import Piece, joined


def wrong_answer(last: Sequence[Piece], answer: str, behind: str) -> Iterator[str]:
    """What is wrong with the answer, if the draft states it.

    Args:
        last: the draft's last thought, and what follows it.
        behind: the rewrite from there on.
    """
    wanted = tokens(answer)
    if not _states(tokens(joined(last)), wanted):
        return
    stated = find_answer(behind)
    if not _states(like_the_draft(wanted, tokens(behind)), wanted):
        yield f"the final answer {answer} is not there"
    elif (called := _called_answer(tokens(behind))) and not _states(like_the_draft(wanted, called), wanted):
        yield f"the final answer is {answer}, and something else is called the answer"
    elif stated is not None and not _states(like_the_draft(wanted, tokens(stated)), wanted):
        drafted = find_answer(joined(last))
        if drafted is not None and _states(tokens(drafted), wanted):
            yield f"the final answer is {answer}, not {stated}"


def _called_answer(found: Sequence[Token]) -> list[Token]:
    """What the last sentence with the word *answer* has behind that word, if a number or a symbol is in it."""
    last = max((at for at, token in enumerate(found) if token.said == "answer"), default=None)
    if last is None:
        return []
    behind: list[Token] = []
    for token in found[last + 1 :]:
        if token.gap in ENDS and behind:
            break
        behind.append(token)
    return behind if any(token.kind in ("number", "symbol") for token in behind) else []


def _states(found: Sequence[Token], answer: Sequence[Token]) -> bool:
    """Whether the answer stands there: as a side by value, or token by token."""
    wanted = side_of(answer)
    if wanted is not None:
        for run in runs(found):
            parts: list[list[Token]] = [[]]
            for token in run:
                parts.append([]) if token.key == "=" else parts[-1].append(token)
            if any(side_of(part) == wanted for part in parts if part):
                return True
    keys = [token.key for token in answer]
    there = [token.key for token in found]
    return bool(keys) and any(there[at : at + len(keys)] == keys for at in range(len(there) - len(keys) + 1))
