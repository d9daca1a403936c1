"""What each piece of a draft asks of its place in a rewrite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from longthought.synth.rewrite.sides import Equality, equalities
from longthought.synth.rewrite.token import Token, says
from longthought.synth.rewrite.tokens import tokens
from longthought.synth.rewrite.words import is_return
from longthought.synth.telling.pieces import Piece

Number = Fraction


@dataclass(frozen=True, slots=True)
class Demand:
    """What has to be there: numbers by value and meanings, each with how often.

    Attributes:
        numbers: of the thought, or of the reason of a way back.
        hints: numbers that may be there or not.
        words: meanings of words and symbols.
        target: the numbers, and ``target_words`` the words, by which a way back names the step that it goes back to.
        turns: it goes back, and has to say so; ``said`` counts the words beside that could be taken for it.
        length: how many tokens the piece has.
    """

    piece: Piece
    numbers: Counter[Number]
    words: Counter[str]
    hints: Counter[Number] = field(default_factory=Counter[Number])
    target: Counter[Number] = field(default_factory=Counter[Number])
    target_words: Counter[str] = field(default_factory=Counter[str])
    turns: bool = False
    said: Counter[str] = field(default_factory=Counter[str])
    equalities: tuple[Equality, ...] = ()
    length: int = 0

    @property
    def is_free(self) -> bool:
        """Nothing in it can be lost."""
        return not (self.numbers or self.words or self.turns)


def demand_of(piece: Piece) -> Demand:
    """What the piece asks for."""
    found = tokens(piece.text)
    if piece.kind == "end" and not piece.why:
        # Nothing in it has to stay, but what does is its own.
        return Demand(piece, Counter(), Counter(), target_words=_counted(found)[2], length=len(found))
    if piece.kind in ("thought", "turning thought"):
        numbers, hints, words = _counted(found)
        said = Counter(token.said for token in found if is_return(token.said))
        return Demand(
            piece, numbers, words, hints, said=said, equalities=tuple(equalities(found)), length=len(found)
        )
    return _of_a_way_back(piece, found)


def _of_a_way_back(piece: Piece, found: Sequence[Token]) -> Demand:
    start = piece.text.find(piece.why) if piece.why else len(piece.text)
    end = start + len(piece.why)
    why = [token for token in found if start <= token.start < end]
    frame = [token for token in found if not start <= token.start < end]
    quoted = _quoted(piece.text, start, end)
    target = [token for token in frame if quoted[0] <= token.start < quoted[1]]
    phrase = [token for token in frame if not quoted[0] <= token.start < quoted[1]]
    numbers, hints, words = _counted(why)
    target_numbers, target_hints, target_words = _counted(target)
    turns = any(is_return(token.said) for token in phrase)
    if not piece.why:  # the news that the answer is wrong
        _, _, words = _counted(phrase)
        words = Counter({word: 1 for word in words if word in ("doubt", "answer")})
    return Demand(
        piece,
        numbers,
        words,
        hints + target_hints,
        target_numbers,
        target_words,
        turns,
        Counter(token.said for token in (*why, *target) if is_return(token.said)),
        tuple(equalities(why)),
        len(found),
    )


def _quoted(text: str, start: int, end: int) -> tuple[int, int]:
    """From the first to the last quotation mark outside of the reason."""
    bare = text[:start] + " " * (end - start) + text[end:]
    first, last = bare.find('"'), bare.rfind('"')
    return (first, last) if first < last else (len(text), len(text))


def _counted(found: Iterable[Token]) -> tuple[Counter[Number], Counter[Number], Counter[str]]:
    numbers: Counter[Number] = Counter()
    hints: Counter[Number] = Counter()
    words: Counter[str] = Counter()
    for token in found:
        said = says(token)
        if isinstance(said, Fraction):
            (hints if token.kind == "hint" else numbers)[said] += 1
        elif said is not None:
            words[said] += 1
    return numbers, hints, words
