"""One debate of a run as a picture: thoughts as nodes, branches gone back from in grey, decisions as coloured labels.

    python -m benchmarks.draw_debate RUN --debate N --out docs/debate.svg

The same transcript gives the same file, byte for byte. Thoughts are numbered in order of birth, and a label that goes
back names the thought it goes back to by that number.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from xml.sax.saxutils import escape

from longthought.agents.decisions import Backtrack, Decision, Reflect, Terminate
from longthought.agents.errors import UsageError
from longthought.protocols.transcript import Transcript
from longthought.scenarios.plain_text import printable
from longthought.scenarios.show import find_transcript, run_path
from longthought.synth.derive.shortcut import direct_path

#: Pixels. A line of a thought is set in monospace, a line of a label in a smaller sans-serif.
WIDTH, GAP, MARGIN = 204, 16, 20
LINE, SMALL, PADDING, BELOW = 17, 14, 9, 26
#: Characters that fit a line, and lines that are shown at most.
THOUGHT = (26, 4)
LABEL = (32, 3)
QUESTION = (64, 3)

COLOURS = {"continue": "#1a7f37", "backtrack": "#b35900", "reflect": "#0969da", "terminate": "#8250df"}
STYLE = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2328}"
    ".label{font:bold 11px system-ui,sans-serif}.small{font:11px system-ui,sans-serif;fill:#59636e}"
    "rect{fill:#fff;stroke:#59636e;stroke-width:1.4}path{fill:none;stroke:#59636e;stroke-width:1.4}"
    ".dead rect{fill:#f6f8fa;stroke:#d1d9e0}.dead path{stroke:#d1d9e0}.dead text.thought{fill:#a0a8b0}"
)


@dataclass
class Node:
    """A box with its labels; ``x`` is its middle, ``y`` its top."""

    lines: list[str]
    label: list[str] = field(default_factory=list[str])
    colour: str = ""
    dead: bool = False
    children: list[Node] = field(default_factory=list["Node"])
    width: float = WIDTH
    x: float = 0.0
    y: float = 0.0

    @property
    def box(self) -> int:
        return 2 * PADDING + LINE * len(self.lines) - 4

    @property
    def height(self) -> int:
        return self.box + SMALL * len(self.label) + (4 if self.label else 0)


def draw(transcript: Transcript) -> str:
    """The debate as the text of an SVG file."""
    root = _tree(transcript)
    width = max(_place(root, MARGIN), root.width) + 2 * MARGIN
    bottom = _stack(root)
    root.x = min(max(root.x, root.width / 2 + MARGIN), width - root.width / 2 - MARGIN)
    height = bottom + 2 * LINE + MARGIN
    caption = f"outcome {transcript.outcome.kind}, {transcript.turns} turns; grey: branches gone back from"
    if transcript.outcome.answer:
        caption = f"answer {transcript.outcome.answer}, {caption}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
        f"<title>{_safe(f'The debate {transcript.id} as a tree of thoughts')}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{width:g}" height="{height:g}" style="stroke:none"/>',
        *_edges(root),
        *_boxes(root),
        _line(caption, width / 2, height - MARGIN, "small"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _tree(transcript: Transcript) -> Node:
    question = transcript.problem.question.partition("\n")[0]
    root = Node(_lines(question, QUESTION))
    root.width = max(WIDTH, 7.4 * max(map(len, root.lines)) + 2 * PADDING)
    standing = {thought.id for thought in direct_path(transcript)}
    judged = {judgement.thought: judgement.decision for judgement in transcript.judgements}
    nodes = {0: root}
    for thought in transcript.thoughts:
        mark = "reflection: " if thought.kind == "reflection" else ""
        node = nodes[thought.id] = Node(_lines(f"{thought.id}: {mark}{thought.text}", THOUGHT))
        node.dead = thought.id not in standing
        if (decision := judged.get(thought.id)) is not None:
            above = [0, *(each.id for each in transcript.path_to(thought.id))]
            node.label, node.colour = _lines(_said(decision, above), LABEL), COLOURS[decision.kind]
        nodes[thought.parent].children.append(node)
    return root


def _said(decision: Decision, path: Sequence[int]) -> str:
    match decision:
        case Backtrack(to=to, why=why):
            return f"backtrack to {path[to] or 'the problem'}: {why}"
        case Reflect(why=why):
            return f"reflect: {why}"
        case Terminate(reason=reason):
            return f"terminate: {reason}"
        case _:
            return "continue"


def _place(node: Node, left: float) -> float:
    """Give the nodes below ``left`` their columns; the width of the whole."""
    if not node.children:
        node.x = left + WIDTH / 2
        return WIDTH
    used = -float(GAP)
    for child in node.children:
        used += GAP + _place(child, left + used + GAP)
    node.x = (node.children[0].x + node.children[-1].x) / 2
    return used


def _stack(root: Node) -> float:
    """Give each level its row, as high as its highest node; the bottom of the last."""
    y, level = float(MARGIN), [root]
    while True:
        for node in level:
            node.y = y
        y += max(node.height for node in level) + BELOW
        below = [child for node in level for child in node.children]
        if not below:
            return y - BELOW
        level = below


def _edges(node: Node) -> Iterator[str]:
    for child in node.children:
        top, end = node.y + node.box, child.y
        middle = end - BELOW / 2
        curve = f"M{node.x:g} {top:g}V{middle - 8:g}C{node.x:g} {end:g} {child.x:g} {middle - 8:g} {child.x:g} {end:g}"
        yield f'<g class="{"dead" if child.dead else "live"}"><path d="{curve}"/></g>'
        yield from _edges(child)


def _boxes(node: Node) -> Iterator[str]:
    left = node.x - node.width / 2
    yield f'<g class="{"dead" if node.dead else "live"}">'
    yield f'<rect x="{left:g}" y="{node.y:g}" width="{node.width:g}" height="{node.box}" rx="6"/>'
    for number, line in enumerate(node.lines):
        yield _line(line, node.x, node.y + PADDING + LINE * number + 10, "thought")
    if node.label:
        # Behind the label, so that the edge below does not run through its letters.
        top, high = node.y + node.box + 2, SMALL * len(node.label) + 3
        yield f'<rect x="{left:g}" y="{top:g}" width="{node.width:g}" height="{high}" style="fill:#fff;stroke:none"/>'
    for number, line in enumerate(node.label):
        y = node.y + node.box + SMALL * (number + 1)
        yield _line(line, node.x, y, "label", f' style="fill:{node.colour}"')
    yield "</g>"
    for child in node.children:
        yield from _boxes(child)


def _line(text: str, x: float, y: float, kind: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="middle"{more}>{_safe(text)}</text>'


def _lines(text: str, room: tuple[int, int]) -> list[str]:
    characters, most = room
    lines = wrap(printable(text), characters) or [""]
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][: characters - 1]}…"]


def _safe(text: str) -> str:
    """Escaped, and without the two characters that ``printable`` lets through and XML does not."""
    return escape(printable(text).replace("\ufffe", "").replace("\uffff", ""))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.draw_debate", description="Draw one debate of a run."
    )
    parser.add_argument("run", help="a run's directory, its name under runs/, or a file of transcripts")
    parser.add_argument("--debate", default="0", help="its number, its id, or its problem's id")
    parser.add_argument("--out", type=Path, required=True, help="the SVG file")
    given = parser.parse_args()
    try:
        picture = draw(find_transcript(run_path(given.run), given.debate))
    except UsageError as error:
        sys.exit(f"draw_debate: {error}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(picture, "utf-8")
    print(given.out)


if __name__ == "__main__":
    main()
