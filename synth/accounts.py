"""The critic's mistakes in debates, counted against a truth about the thoughts that it judged.

The truth is a rule checker's, where the problems have one, and else only what the scorer said of the answers. It is
made after the debate and never shown to a seat. A thought is *right* when its path up to it can stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import RewardError
from longthought.agents.problems import Problem
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path, Thought
from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript


@dataclass(slots=True)
class Account:
    """Counts over judged thoughts whose truth is known.

    Attributes:
        right, wrong: the thoughts themselves; a wrong one is counted where the path first goes wrong.
        false_backtracks: went back from a right thought.
        missed_errors: let a wrong thought stand, by continuing or by ending as solved.
        useful_reflections: asked for at a wrong thought, which was then left; ``useless_reflections``: all others.
        mended: went back from a wrong thought, and the next one tried there is right; ``spoiled``: the other way round.
    """

    right: int = 0
    wrong: int = 0
    false_backtracks: int = 0
    missed_errors: int = 0
    useful_reflections: int = 0
    useless_reflections: int = 0
    mended: int = 0
    spoiled: int = 0

    def __iadd__(self, other: Account) -> Account:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self

    def __str__(self) -> str:
        return (
            f"false backtracks {self.false_backtracks} of {self.right} right thoughts, "
            f"missed errors {self.missed_errors} of {self.wrong} wrong ones"
        )

    @property
    def false_backtrack_rate(self) -> float | None:
        """Of the right thoughts, how many were left; None without any."""
        return self.false_backtracks / self.right if self.right else None

    @property
    def missed_error_rate(self) -> float | None:
        """Of the wrong thoughts, how many were let stand; None without any."""
        return self.missed_errors / self.wrong if self.wrong else None


def account(transcript: Transcript, truth: Mapping[int, bool]) -> Account:
    """Count one debate. ``truth`` says of thoughts, by id, whether they are right; what it lacks is not known."""
    count = Account()
    for thought, decision, right in _judged(transcript, truth):
        count.right += right
        count.wrong += not right
        match decision:
            case Backtrack():
                count.false_backtracks += right
                after = _next_try(transcript, thought, decision)
                if after is not None and (now := truth.get(after.id)) is not None:
                    count.mended += now and not right
                    count.spoiled += right and not now
            case Reflect():
                useful = not right and _left(transcript, thought)
                count.useful_reflections += useful
                count.useless_reflections += not useful
            case Continue():
                count.missed_errors += not right
            case Terminate(reason="solved"):
                count.missed_errors += not right
            case _:
                pass
    return count


def mistakes(transcript: Transcript, truth: Mapping[int, bool]) -> dict[int, str]:
    """What the critic got wrong, by the id of the thought that it judged; ``account`` counts these."""
    found: dict[int, str] = {}
    for thought, decision, right in _judged(transcript, truth):
        match decision:
            case Backtrack() if right:
                found[thought.id] = "false backtrack"
            case Reflect() if right or not _left(transcript, thought):
                found[thought.id] = "useless reflection"
            case Continue() | Terminate(reason="solved") if not right:
                found[thought.id] = "missed error"
            case _:
                pass
    return found


def _judged(transcript: Transcript, truth: Mapping[int, bool]) -> Iterator[tuple[Thought, Decision, bool]]:
    """The judged thoughts that count, each with its decision and whether it is right."""
    decisions = {judgement.thought: judgement.decision for judgement in transcript.judgements}
    for thought in transcript.thoughts:
        decision, right = decisions.get(thought.id), truth.get(thought.id)
        if thought.kind == "reflection" or decision is None or right is None:
            continue
        if not right and any(truth.get(before.id) is False for before in transcript.path_to(thought.parent)):
            continue  # the path was wrong before
        yield thought, decision, right


async def truth_of(transcript: Transcript, rule: Reward | None) -> dict[int, bool]:
    """What the rule says, or without one, what the scorer said of answers."""
    return truth_by_outcome(transcript) if rule is None else await truth_by_rule(transcript, rule)


async def truth_by_rule(transcript: Transcript, rule: Reward) -> dict[int, bool]:
    """What a rule says of every step and conclusion; what it cannot read is left out."""
    truth: dict[int, bool] = {}
    for thought in transcript.thoughts:
        if thought.kind == "reflection":
            continue
        try:
            reading = await rule.read(Path(transcript.problem, transcript.path_to(thought.id)))
        except RewardError:
            continue
        if reading.score is not None:
            truth[thought.id] = reading.score >= 0.5
    return truth


def truth_by_outcome(transcript: Transcript) -> dict[int, bool]:
    """What the scorer said of answers: the last one's, and those that the seats were told are wrong."""
    truth = dict.fromkeys(transcript.told_wrong, False)
    answered = [thought for thought in transcript.final_path if thought.answer is not None]
    if answered and transcript.outcome.kind in (outcomes.SOLVED, outcomes.WRONG):
        truth[answered[-1].id] = transcript.right
    return truth


def rule_for(problem: Problem) -> Reward | None:
    """The rule that can say of each step of the problem if it is right: the Countdown oracle, or none."""
    from longthought.agents.rewards.countdown import puzzle_of
    from longthought.agents.rewards.countdown_step import CountdownStepRule

    return None if puzzle_of(problem) is None else CountdownStepRule(look_ahead=True)


def _next_try(transcript: Transcript, left: Thought, decision: Backtrack) -> Thought | None:
    """The thought tried in place of the one that was left, at the same depth or above it."""
    after = transcript.thoughts[left.id] if left.id < len(transcript.thoughts) else None
    if after is None or after.kind == "reflection":
        return None
    parent = transcript.path_to(left.id)[: decision.to]
    return after if after.parent == (parent[-1].id if parent else 0) else None


def _left(transcript: Transcript, thought: Thought) -> bool:
    """Whether the debate went back from ``thought`` once it had been reflected on."""
    depth = len(transcript.path_to(thought.id))
    for judgement in transcript.judgements:
        if judgement.thought <= thought.id or not isinstance(judgement.decision, Backtrack):
            continue
        path = transcript.path_to(judgement.thought)
        if judgement.decision.to < depth and thought.id in {node.id for node in path}:
            return True
    return False
