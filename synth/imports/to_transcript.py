"""A foreign row as a transcript, so that every kind of row, mask and measure works on it.

A long thought is cut into steps, and each turn of mind at the beginning of a step is taken for what a critic would
have decided on the one before: "Wait" for a reflection, "Alternatively" for a way back by one step (and past the
reflections on it), "start over" for one to the problem. These are guesses (``turns_of_mind``); the text is not: its
thoughts, one behind the other, are the source's to the byte. What stands behind the thought is the last node, its
conclusion.

A tree keeps the way to its end, and before each step on it the wrong ones that were tried in its place, gone back from
at once (O1-Journey part 1, tree → long thought, with every wrong sibling tried once). Departures: alternatives that are
not known to be wrong are left out, for to go back from one says that it is, and so is what was searched below a wrong
one.
"""

from __future__ import annotations

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.thoughts import Thought, ThoughtKind
from longthought.protocols import outcomes
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import TREE, WRITTEN, Judgement, Transcript
from longthought.synth.imports.foreign import Foreign, LongThought, StepTree, Try
from longthought.synth.imports.segments import segments
from longthought.synth.imports.turns_of_mind import Turning, TurnsOfMind

#: A guessed reason is the beginning of the step that turns, up to so many characters.
_LONGEST_WHY = 200


def to_transcript(
    one: Foreign, problem: Problem, turns: TurnsOfMind, *, run: str = "", number: int = 0, epoch: int = 0
) -> Transcript:
    """The transcript of one row. One that nobody went on from has no thought and is given up."""
    walk = _Walk()
    match one:
        case LongThought():
            outcome = _long_thought(one, walk, turns)
        case StepTree():
            outcome = _tree(one, walk)
        case _:
            raise TypeError(type(one))
    return Transcript(
        run=run,
        protocol=TREE if isinstance(one, StepTree) else WRITTEN,
        number=number,
        epoch=epoch,
        problem=problem,
        thoughts=tuple(walk.thoughts),
        judgements=tuple(walk.judgements),
        outcome=outcome,
        turns=len(walk.thoughts),
    )


class _Walk:
    """The thoughts so far and the path to the last of them."""

    def __init__(self) -> None:
        self.thoughts: list[Thought] = []
        self.judgements: list[Judgement] = []
        self.path: list[Thought] = []

    def grow(self, kind: ThoughtKind, text: str, answer: str | None = None, truncated: bool = False) -> None:
        parent = self.path[-1].id if self.path else 0
        thought = Thought(
            id=len(self.thoughts) + 1, parent=parent, kind=kind, text=text, answer=answer, truncated=truncated
        )
        self.thoughts.append(thought)
        self.path.append(thought)

    def judge(self, decision: Decision, readings: tuple[Reading, ...] = ()) -> None:
        last = self.path[-1]
        self.judgements.append(Judgement(thought=last.id, decision=decision, readings=readings))
        if isinstance(decision, Backtrack):
            del self.path[decision.to :]

    @property
    def before(self) -> int:
        """How deep the node lies that the last step hangs on, its reflections left out."""
        depth = len(self.path)
        while depth > 1 and self.path[depth - 1].kind == "reflection":
            depth -= 1
        return depth - 1


def _long_thought(one: LongThought, walk: _Walk, turns: TurnsOfMind) -> Outcome:
    if not one.thought.strip():
        return outcomes.limit("tokens")
    steps = segments(one.thought, lambda line: turns.opening(line) not in (None, "conclude"))
    for place, text in enumerate(steps):
        last = place == len(steps) - 1
        turning = turns.opening(text)
        if place:
            walk.judge(_guess(turning, text, walk))
        kind: ThoughtKind = "reflection" if place and turning == "reflect" else "step"
        stated = find_answer(text) if turning == "conclude" or (last and one.behind is None) else None
        walk.grow(kind, text, stated, truncated=last and not one.finished)
    if not one.finished:
        return outcomes.limit("tokens")
    if one.behind is None:
        answer = walk.path[-1].answer or find_answer(one.thought)
    else:
        # Where nothing marks the answer, all that is said behind the thought is.
        answer = find_answer(one.behind) or one.behind
        walk.judge(Continue())
        walk.grow("conclusion", one.behind, answer, truncated=not one.whole)
    if not one.whole:
        return outcomes.limit("tokens", answer if one.behind is None else None)
    walk.judge(Terminate(reason="solved"))
    return _outcome(one.right, answer)


def _guess(turning: Turning | None, text: str, walk: _Walk) -> Decision:
    why = text.strip().partition("\n")[0][:_LONGEST_WHY]
    match turning:
        case "to problem":
            return Backtrack(to=0, why=why)
        case "backtrack":
            return Backtrack(to=walk.before, why=why)
        case "reflect":
            return Reflect(why=why)
        case _:
            return Continue()


def _tree(one: StepTree, walk: _Walk) -> Outcome:
    for place, fork in enumerate(one.forks):
        depth = len(walk.path)
        for wrong in fork.wrong:
            walk.grow("step", wrong.text)
            walk.judge(Backtrack(to=depth, why=wrong.why), _readings(wrong))
        if fork.chosen is None:
            return Outcome(kind=outcomes.GAVE_UP)
        last = place == len(one.forks) - 1
        answer = (one.answer or find_answer(fork.chosen.text)) if last else None
        walk.grow("step" if answer is None else "conclusion", fork.chosen.text, answer)
        walk.judge(_passed(fork.chosen, last), _readings(fork.chosen))
    return _outcome(one.right, walk.path[-1].answer)


def _passed(chosen: Try, last: bool) -> Decision:
    if last:
        return Terminate(reason="solved")
    # They went on from a step rated wrong: it is neither gone back from nor let stand.
    return Reflect(why=chosen.why or "rated wrong") if chosen.rating == "wrong" else Continue()


def _readings(step: Try) -> tuple[Reading, ...]:
    readings: list[Reading] = []
    if step.rating is not None:
        readings.append(Reading(reward="rating", label=step.rating))
    if step.value is not None:
        readings.append(Reading(reward="value", value=step.value))
    return tuple(readings)


def _outcome(right: bool | None, answer: str | None) -> Outcome:
    kind = outcomes.UNVERIFIED if right is None else outcomes.SOLVED if right else outcomes.WRONG
    return Outcome(kind=kind, answer=answer)
