"""Drafts for the measurement of the rewriter's check: scripted Countdown, debates over published texts, made-up prose.

Debates over GSM8K and PRM800K follow a solution from ``../shared/data`` step by step; here and there the policy first
takes a wrong turn, which is a step that a rater called wrong (PRM800K) or one with a planted fault (GSM8K).
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.problems import Problem
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Judgement, Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.synth.derive.journey import Journey
from longthought.synth.tamper.fault import Kind
from longthought.synth.tamper.text import TextTamperer
from longthought.synth.telling.pieces import Piece

DATA = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Draft:
    """A thought in pieces, and the answer behind it."""

    pieces: list[Piece]
    answer: str


@dataclass(frozen=True)
class Said:
    """A step, and what the critic said of it."""

    text: str
    decision: Decision
    answer: str | None = None


def told(name: str, said: Sequence[Said], answer: str, seed: int) -> Draft:
    """The debate of these turns, verbalised as a journey."""
    path: list[int] = []
    thoughts: list[Thought] = []
    judgements: list[Judgement] = []
    for number, turn in enumerate(said, start=1):
        parent = path[-1] if path else 0
        thoughts.append(
            Thought(
                id=number,
                parent=parent,
                kind="conclusion" if turn.answer is not None else "step",
                text=turn.text,
                answer=turn.answer,
            )
        )
        judgements.append(Judgement(thought=number, decision=turn.decision))
        path.append(number)
        if isinstance(turn.decision, Backtrack):
            del path[turn.decision.to :]
    transcript = Transcript(
        number=0,
        problem=Problem(id=name, question="?"),
        thoughts=tuple(thoughts),
        judgements=tuple(judgements),
        outcome=Outcome(kind="solved", answer=answer),
        turns=len(said),
    )
    pieces = Journey(seed=seed).thought(transcript)
    assert isinstance(pieces, list)
    return Draft(pieces, answer)


# --- (a) Countdown ---------------------------------------------------------------------------------------------


def countdown(size: int, seed: int) -> list[Draft]:
    """Scripted debates that were solved."""
    loaded = load_scenario("countdown-teacher", [f"dataset.size={size}", f"dataset.seed={seed}", "epochs=2"])
    with tempfile.TemporaryDirectory() as directory:
        with redirect_stderr(StringIO()):
            play_to_end(loaded, RunOptions(run_dir=Path(directory) / "run"))
        drafts: list[Draft] = []
        for transcript in read_transcripts(Path(directory) / "run"):
            pieces = Journey(seed=seed).thought(transcript)
            if transcript.right and isinstance(pieces, list) and transcript.outcome.answer:
                drafts.append(Draft(pieces, transcript.outcome.answer))
        return drafts


# --- (b) published texts ---------------------------------------------------------------------------------------

_KINDS: tuple[Kind, ...] = ("number", "operator", "copied_wrong", "sign")
_CALCULATION = re.compile(r"<<[^>]*>>")
_REASONS = (
    "that does not follow from what is given",
    "the arithmetic here is wrong",
    "this forgets a condition of the problem",
    "I mixed up the two quantities",
    "the sign got lost on the way",
    "this counts the same thing twice",
    "there is no reason why this should hold",
    "",
)


def gsm8k(random: Random, seed: int, parity: int) -> Iterator[Draft]:
    """Debates over solutions of GSM8K's train split, rows of one parity; none where the file is missing."""
    file = DATA / "gsm8k" / "train.jsonl"
    if not file.is_file():
        return
    rows = [json.loads(line) for line in file.read_text("utf-8").split("\n")[parity::2] if line]
    for number, row in enumerate(_again_and_again(rows, random)):
        solution, _, answer = _CALCULATION.sub("", row["answer"]).partition("####")
        steps = [line.strip() for line in solution.strip().split("\n") if line.strip()]
        answer = answer.strip()
        tamperer = TextTamperer(row["question"])
        said: list[Said] = []
        depth = 0
        for at, step in enumerate(steps):
            if random.random() < 0.35:
                fault = tamperer.plant(random.choice(_KINDS), steps, at, random)
                if fault is not None:
                    why = random.choice((fault.why, fault.why, random.choice(_REASONS)))
                    said += _wrong_turn(fault.steps[at], why, depth, random)
                    if isinstance(said[-1].decision, Backtrack) and said[-1].decision.to < depth:
                        depth = said[-1].decision.to
                        at_again = [said_ for said_ in steps[depth:at]]
                        for again in at_again:
                            said.append(Said(f"Again: {again}", Continue()))
                            depth += 1
            said.append(Said(step, Continue()))
            depth += 1
        said.append(Said(f"Answer: {answer}", Terminate(reason="solved"), answer))
        yield told(f"gsm8k-{parity}-{number}", said, answer, seed)


def prm800k(random: Random, seed: int, parity: int) -> Iterator[Draft]:
    """Debates over PRM800K's trajectories that ended in an answer, rows of one parity."""
    file = DATA / "prm800k" / "phase1_train_trajectories.jsonl"
    if not file.is_file():
        return
    rows = [json.loads(line) for line in file.read_text("utf-8").split("\n")[parity::2] if line]
    for number, row in enumerate(_again_and_again(rows, random)):
        answers = [c["answer"] for step in row["steps"] for c in step["completions"] if c.get("answer")]
        steps = [step for step in row["steps"] if step["chosen_text"]]
        if not answers or not 3 <= len(steps) <= 24:
            continue
        said: list[Said] = []
        for depth, step in enumerate(steps):
            wrong = [c["text"].strip() for c in step["completions"] if c.get("rating") == -1]
            wrong = [text for text in wrong if text and text != step["chosen_text"].strip()]
            if wrong and random.random() < 0.5:
                said += _wrong_turn(random.choice(wrong), random.choice(_REASONS), depth, random, stay=True)
            said.append(Said(step["chosen_text"].strip(), Continue()))
        said.append(Said(f"Answer: {answers[-1]}", Terminate(reason="solved"), answers[-1]))
        yield told(f"prm800k-{parity}-{number}", said, answers[-1], seed)


def _again_and_again(rows: list[dict[str, Any]], random: Random) -> Iterator[dict[str, Any]]:
    """The rows in a random order, and then in others; wrong turns fall differently each time."""
    while True:
        random.shuffle(rows)
        yield from rows


def _wrong_turn(text: str, why: str, depth: int, random: Random, stay: bool = False) -> list[Said]:
    """A wrong step that is gone back on, perhaps to before the step it stands on, perhaps after a reflection."""
    to = depth if stay or random.random() < 0.7 else random.randint(0, depth)
    back = Backtrack(to=to, why=why)
    if random.random() < 0.25 and why:
        reflection = Said("Looking at it once more, I do not trust this step.", back)
        return [Said(text, Reflect(why=why)), reflection]
    return [Said(text, back)]


# --- (c) made-up prose -----------------------------------------------------------------------------------------

_NAMES = ("Ada", "Bruno", "Chen", "Dalia", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas")
_THINGS = ("apples", "tickets", "marbles", "pages", "coins", "bottles", "stamps", "chairs", "litres", "cards")


def prose(random: Random, seed: int) -> Iterator[Draft]:
    """Word problems made up on the spot: sums, shares, percentages, prices, in plain text or LaTeX."""
    number = 0
    while True:
        said = list(_chain(random))
        answer = said[-1].answer
        assert answer is not None
        number += 1
        yield told(f"prose-{number}", said, answer, seed)


def _chain(random: Random) -> Iterator[Said]:
    name, thing = random.choice(_NAMES), random.choice(_THINGS)
    value = random.choice((12, 20, 36, 48, 60, 100, 240, 1200, 2500))
    yield Said(f"{name} starts with {value} {thing}.", Continue())
    depth = 1
    for _ in range(random.randint(2, 5)):
        text, result, wrong = _step(random, name, thing, value)
        if random.random() < 0.4:
            why = random.choice(
                (
                    f"{wrong} is not what this comes to",
                    "the calculation is off",
                    f"it cannot be {wrong} {thing}",
                )
            )
            to = depth if random.random() < 0.7 else random.randint(0, depth)
            yield Said(text.replace(str(result), str(wrong)), Backtrack(to=to, why=why))
            if to < depth:
                depth = to
                yield Said(f"Once more: there are {value} {thing} at this point.", Continue())
                depth += 1
        elif random.random() < 0.15:
            yield Said(text, Reflect(why=f"does {result} really follow from {value}?"))
            depth += 1
            yield Said(f"Yes, {result} {thing} is right, I checked the arithmetic.", Continue())
            depth += 1
            value = result
            continue
        yield Said(text, Continue())
        depth += 1
        value = result
    last = f"So {name} ends up with {value} {thing}.\nAnswer: {value}"
    yield Said(last, Terminate(reason="solved"), str(value))


def _step(random: Random, name: str, thing: str, value: int) -> tuple[str, int, int]:
    kind = random.choice(("more", "fewer", "times", "share", "percent", "price", "latex"))
    other = random.randint(2, 40)
    match kind:
        case "fewer" if value > other:
            result = value - other
            text = f"Then {name} gives {other} {thing} away, so there are {value} - {other} = {result} {thing} left."
        case "times":
            other = random.randint(2, 6)
            result = value * other
            text = f"A friend has {other} times as many, which is {other} * {value} = {result} {thing}."
        case "share" if value % 4 == 0:
            result = value // 4
            text = f"These are shared by 4 people, because the group is small: {value} / 4 = {result} {thing} each."
        case "percent" if value % 10 == 0:
            result = value * 3 // 10
            text = f"Of these, 30% are blue, that is 0.3 * {value} = {result} {thing}."
        case "latex":
            result = value + other * 2
            text = (
                f"Adding two packs of {other} gives $x = {value} + 2 \\cdot {other} = {result}$, "
                f"so $x$ is {result} {thing}."
            )
        case _:
            result = value + other
            text = f"Because {name} gets {other} more, there are now {value} + {other} = {result} {thing}."
    wrong = result + random.choice((-3, -1, 1, 2, 9, 10))
    return text, result, wrong
