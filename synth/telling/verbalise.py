"""A debate as one first-person thought: its steps, the critic's reasons, the ways back and the new tries.

Nothing that was said is changed or left out, so what a rewriter smooths later can be checked against it. O1-Journey
(part 1) found the bare concatenation of steps to train worse and has GPT-4o join them; here a bank of phrases does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from longthought.agents.decisions import Backtrack, Reflect, Terminate
from longthought.agents.thoughts import Turn
from longthought.synth.telling.phrases import PhraseBank, name_of, with_reason
from longthought.synth.telling.pieces import Piece


def verbalise(turns: Iterable[Turn], bank: PhraseBank, lot: str, stands: Mapping[int, bool]) -> list[Piece]:
    """The pieces of the thought: each step, and behind it the turn of mind, if there is one.

    Args:
        lot: what the choice of phrases depends on, beside the number of the thought.
        stands: which thoughts stand; one that is not in it does not.
    """
    dice = blake2b(lot.encode(), digest_size=32).digest()
    pieces: list[Piece] = []
    for turn in turns:
        thought = turn.thought
        right = stands.get(thought.id, False)
        pieces.append(Piece(thought.text, "thought", thought.id, right))
        said = _turn_of_mind(turn, bank, dice[thought.id % len(dice)])
        if said is not None:
            text, why = said
            over = isinstance(turn.decision, Terminate) and not turn.told_wrong
            pieces.append(Piece(text, "end" if over else "way back", thought.id, right, why))
    return pieces


def as_written(turns: Iterable[Turn], stands: Mapping[int, bool]) -> list[Piece]:
    """The pieces of a long thought that others wrote: its steps and nothing else, for they hold its turns of mind."""
    pieces: list[Piece] = []
    turned = False
    for turn in turns:
        thought = turn.thought
        right = stands.get(thought.id, False)
        pieces.append(Piece(thought.text, "turning thought" if turned else "thought", thought.id, right))
        turned = isinstance(turn.decision, Backtrack | Reflect)
    return pieces


def _turn_of_mind(turn: Turn, bank: PhraseBank, die: int) -> tuple[str, str] | None:
    """What the thought says between this step and the next, and its reason; None where the step just stands."""
    match turn.decision:
        case _ if turn.told_wrong:
            return _one(bank.wrong_answer, die), ""
        case Backtrack(to=to, why=why):
            why = why or _one(bank.no_reason, die)
            if to == 0:
                return with_reason(_one(bank.backtrack_to_problem, die), why), why
            phrases = bank.backtrack_one_step if to == turn.depth - 1 else bank.backtrack_to_step
            phrase = with_reason(_one(phrases, die), why)
            # The last place: the reason before it is a model's text, and may hold the same braces.
            before, _, after = phrase.rpartition("{step}")
            return before + name_of(turn.at) + after, why
        case Reflect(why=why):
            why = why or _one(bank.no_reason, die)
            return with_reason(_one(bank.reflect, die), why), why
        case Terminate(reason="solved"):
            return _one(bank.solved, die), ""
        case Terminate(reason="ill_posed", answer=answer):
            why = answer or _one(bank.no_reason, die)
            return with_reason(_one(bank.ill_posed, die), why), why
        case _:
            return None


def _one(phrases: tuple[str, ...], die: int) -> str:
    return phrases[die % len(phrases)]
