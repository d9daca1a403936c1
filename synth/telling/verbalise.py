"""A debate as one first-person thought: its steps, the critic's reasons, the ways back and the new tries.

The order is the debate's own, which O1-Journey's third attempt (propose–critique) keeps too; nothing that
was said is changed or left out, so what a rewriter smooths later can be checked against it.
"""

from __future__ import annotations

from hashlib import blake2b

from longthought.agents.decisions import Backtrack, Reflect, Terminate
from longthought.agents.thoughts import Turn
from longthought.protocols.transcript import Transcript
from longthought.synth.telling.phrases import PhraseBank, name_of, with_reason


def verbalise(transcript: Transcript, bank: PhraseBank, seed: int = 0) -> str:
    """The thought of a debate, one line (or more, as written) for each step and each turn of mind."""
    dice = blake2b(f"{seed}|{transcript.id}".encode(), digest_size=32).digest()
    lines: list[str] = []
    for _, turn in transcript.walk():
        lines.append(turn.thought.text)
        said = _turn_of_mind(turn, bank, dice[turn.thought.id % len(dice)])
        if said:
            lines.append(said)
    return "\n".join(lines)


def _turn_of_mind(turn: Turn, bank: PhraseBank, die: int) -> str:
    """What the thought says between this step and the next; nothing where the step just stands."""
    match turn.decision:
        case _ if turn.told_wrong:
            return _one(bank.wrong_answer, die)
        case Backtrack(to=0, why=why):
            return with_reason(_one(bank.backtrack_to_problem, die), why or _one(bank.no_reason, die))
        case Backtrack(why=why):
            phrase = with_reason(_one(bank.backtrack_to_step, die), why or _one(bank.no_reason, die))
            # The last place: the reason before it is a model's text, and may hold the same braces.
            before, _, after = phrase.rpartition("{step}")
            return before + name_of(turn.at) + after
        case Reflect(why=why):
            return with_reason(_one(bank.reflect, die), why or _one(bank.no_reason, die))
        case Terminate(reason="solved"):
            return _one(bank.solved, die)
        case Terminate(reason="ill_posed", answer=why):
            return with_reason(_one(bank.ill_posed, die), why or _one(bank.no_reason, die))
        case _:
            return ""


def _one(phrases: tuple[str, ...], die: int) -> str:
    return phrases[die % len(phrases)]
