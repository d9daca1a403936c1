"""Runs and transcripts for the terminal: a debate as a tree, a run as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import UsageError
from longthought.agents.thoughts import Thought
from longthought.protocols.transcript import Judgement, Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.live import mix
from longthought.scenarios.plain_text import plain
from longthought.scenarios.summary import Summary
from longthought.synth.accounts import Account

#: Longest question and thought in a tree, in characters.
_LONGEST = 600

_COLOURS = {"continue": "green", "backtrack": "yellow", "reflect": "cyan", "terminate": "bold"}


def run_path(name: str) -> Path:
    """A run by its path, or by its name under ``runs/``.

    Raises:
        UsageError: there is neither.
    """
    for path in (Path(name), Path("runs") / name):
        if path.exists():
            return path
    raise UsageError(
        f"{name}: no such run, neither as a path nor under runs/; `longthought list` shows what there is"
    )


def find_transcript(run: Path, debate: str) -> Transcript:
    """One transcript by its number, its id (``problem#epoch``) or its problem's id.

    Raises:
        UsageError: no finished debate of the run is called that.
    """
    numbers: list[int] = []
    for transcript in read_transcripts(run):
        if debate in (str(transcript.number), transcript.id, transcript.problem.id):
            return transcript
        numbers.append(transcript.number)
    there = f"numbers {min(numbers)} to {max(numbers)}" if numbers else "none yet"
    raise UsageError(f"{run}: no finished debate {debate!r}; there are {there}")


def longest_journey(run: Path) -> Transcript:
    """The solved debate with the most backtracks and reflections; the first of several.

    Raises:
        UsageError: the run has no solved debate.
    """
    best: tuple[int, Transcript] | None = None
    for transcript in read_transcripts(run):
        detours = sum(j.decision.kind in ("backtrack", "reflect") for j in transcript.judgements)
        if transcript.right and (best is None or detours > best[0]):
            best = (detours, transcript)
    if best is None:
        raise UsageError(f"{run}: no solved debate; --debate 0 shows the first one")
    return best[1]


def tree_of(transcript: Transcript, mistakes: Mapping[int, str] | None = None) -> RenderableType:
    """The debate as a tree: each thought with its decision, dead branches too, then a line of figures.

    ``mistakes`` are the critic's, by thought id.
    """
    judged = {judgement.thought: judgement for judgement in transcript.judgements}
    standing = {thought.id for thought in transcript.final_path}
    head = Text.assemble(
        (f"{plain(transcript.id)}  ", "bold"), plain(transcript.problem.question, "", _LONGEST)
    )
    tree = Tree(head, guide_style="dim")
    places = {0: tree}
    for thought in transcript.thoughts:
        label = _label(transcript, thought, judged.get(thought.id), thought.id in standing)
        if mistakes and thought.id in mistakes:
            label.append(f"  ✗ {mistakes[thought.id]}", "bold red")
        places[thought.id] = places[thought.parent].add(label)
    return Group(tree, _ending(transcript))


def summary_table(summary: Summary, title: str = "", critic: Account | None = None, truth: str = "") -> Table:
    """A run's figures; ``critic``: the account of its mistakes, and ``truth``, what it was counted against."""
    table = Table(title=plain(title) if title else None, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    debates = max(1, summary.debates)
    table.add_row("debates", Text(f"{summary.debates}"))
    if summary.accuracy is not None:
        table.add_row(
            "accuracy", Text(f"{summary.accuracy:.1%} ({summary.solved} of {summary.debates} solved)")
        )
    table.add_row("outcomes", Text(_counts(summary.outcomes)))
    if summary.first_error is not None:
        number, why = summary.first_error
        table.add_row("first error", plain(f"debate {number}: {why}", "", _LONGEST))
    table.add_row("decisions", Text(mix(summary.decisions) or "none"))
    table.add_row("with detours", Text(f"{summary.detours / debates:.0%} of debates backtrack or reflect"))
    table.add_row("turns", Text(f"{summary.turns / debates:.1f} a debate"))
    for seat, used in sorted(summary.usage.items()):
        if not used.prompt + used.completion:
            continue  # a scorer or a rule
        cached = f", {used.cached} of the prompt cached" if used.cached else ""
        said = f"{used.prompt} prompt + {used.completion} completion in {summary.calls[seat]} calls{cached}"
        table.add_row(f"tokens, {seat}", plain(said))
    if summary.asked_again or summary.failed_attempts:
        again = f"{summary.asked_again} replies asked for again, {summary.failed_attempts} failed attempts"
        table.add_row("trouble", Text(again))
    if summary.reward_missing:
        table.add_row("rewards missing", Text(f"in {summary.reward_missing} verdicts"))
    if critic is not None and critic.right + critic.wrong:
        table.add_row("critic", plain(f"{critic}; against {truth}"))
    if summary.suspects:
        table.add_row("suspect", Text(f"{summary.suspects} debates with a text that looks like an injection"))
    return table


def transcripts_table(transcripts: Iterable[Transcript]) -> Table:
    """Debates, one a row."""
    table = Table(
        "no.", "problem", "outcome", "answer", "turns", "thoughts", "decisions", header_style="bold"
    )
    for transcript in transcripts:
        decisions = Counter[str](judgement.decision.kind for judgement in transcript.judgements)
        table.add_row(
            Text(str(transcript.number)),
            plain(transcript.id, longest=40),
            plain(transcript.outcome.told, _outcome_colour(transcript)),
            plain(transcript.outcome.answer or "", longest=30),
            Text(str(transcript.turns)),
            Text(str(len(transcript.thoughts))),
            Text(_counts(decisions)),
        )
    return table


def _label(transcript: Transcript, thought: Thought, judgement: Judgement | None, stands: bool) -> Text:
    mark = {"step": "", "reflection": "reflection: ", "conclusion": "conclusion: "}[thought.kind]
    label = Text.assemble(
        (f"{thought.id} ", "dim"), (mark, "italic"), plain(thought.text, "" if stands else "dim", _LONGEST)
    )
    if thought.truncated:
        label.append(" [cut at the token limit]", "red")
    if thought.suspect_injection:
        label.append(" [suspect_injection]", "red")
    if judgement is not None:
        for reading in judgement.readings:
            label.append("\n").append_text(plain(str(reading), "dim magenta", _LONGEST))
        label.append("\n→ ").append_text(_decision(judgement.decision, transcript.path_to(thought.id)))
    return label


def _decision(decision: Decision, path: Sequence[Thought]) -> Text:
    colour = _COLOURS[decision.kind]
    match decision:
        case Continue():
            return Text("continue", colour)
        case Backtrack(to=to, why=why):
            # A decision counts along its path; a tree is read by the numbers of its thoughts.
            where = f"thought {path[to - 1].id}" if to else "the problem"
            return plain(f"backtrack to {where}: {why}", colour, _LONGEST)
        case Reflect(why=why):
            return plain(f"reflect: {why}", colour, _LONGEST)
        case Terminate(reason=reason, answer=answer):
            return plain(f"terminate {reason}" + (f": {answer}" if answer else ""), colour, _LONGEST)


def _ending(transcript: Transcript) -> Text:
    outcome = transcript.outcome
    ending = Text("outcome ", "bold").append_text(plain(outcome.told, _outcome_colour(transcript)))
    if outcome.answer:
        ending.append("  answer ").append_text(plain(outcome.answer, "bold", _LONGEST))
    if outcome.why:
        ending.append("  ").append_text(plain(outcome.why, "dim", _LONGEST))
    used = sum(usage.completion for usage in transcript.usage.values())
    return ending.append(f"  {transcript.turns} turns, {used} completion tokens", "dim")


def _outcome_colour(transcript: Transcript) -> str:
    outcome = transcript.outcome
    if outcome.is_right or outcome.is_wrong:
        return "green" if outcome.is_right else "red"
    return "bold red" if outcome.group == "error" else "yellow"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "none"
