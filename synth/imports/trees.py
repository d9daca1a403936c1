"""Trees of steps: PRM800K's, openr's (Math-APS, OmegaPRM: nested, or a list of prefixes), rStar-Math's; and any
labelled solution as a tree of one branch.

Of a tree with values the way to its best leaf is kept (of several as good, the deepest), and beside each step on it
those below one half. rStar-Math (Super-MARIO's code) saves its nodes by tag, "0" for the problem and "0.1.2" for the
third child of the second child, with ``text`` and ``q_value`` from −1 to 1; openr has ``mc_value`` from 0 to 1, the
share of rollouts that end right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import BaseModel

from longthought.agents.rewards.answer_text import find_answer
from longthought.synth.imports.foreign import Foreign, Fork, StepTree, Try, facts, gold_of
from longthought.synth.labelled import prm800k
from longthought.synth.labelled.record import LabelledSolution

#: Columns that hold a tree, and the keys of its nodes; the first that is there counts.
TREES = ("reasoning_steps", "rstar", "tree", "mcts", "react", "root")
_TEXTS, _VALUES = ("text", "step", "content"), ("mc_value", "q_value", "value", "score")
_RATINGS = {1: "right", 0: "neutral", -1: "wrong"}


# --- PRM800K -------------------------------------------------------------------------------------------------------


def prm800k_published(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """A record as OpenAI published it. Its labellers say when a solution is whole; its answer then is the right one."""
    record = prm800k.Published.model_validate(row)
    ended = cast("dict[str, Any]", row["label"]).get("finish_reason")
    gold = record.question.ground_truth_answer
    forks = _rated(record.label.steps)
    whole = ended == "solution"
    yield StepTree(
        question=record.question.problem,
        gold=gold,
        right=True if whole else None,
        forks=forks,
        answer=gold if whole else None,
        metadata=facts(row, {"question", "label", "labeler", "timestamp"}),
    )


def prm800k_trajectory(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """A record of a regrouped copy: nobody says whether the last step ends the solution, nor what the answer is."""
    record = prm800k.Trajectory.model_validate(row)
    yield StepTree(
        question=record.problem, forks=_rated(record.steps), metadata=facts(row, {"problem", "steps"})
    )


def _rated(steps: list[prm800k.Step]) -> tuple[Fork, ...]:
    """Each position with the completions rated −1 and the one that the labellers went on from."""
    forks: list[Fork] = []
    for step in steps:
        chosen = step.chosen()
        tries = [
            Try(
                text=completion.text,
                rating=None if completion.rating is None else _RATINGS[completion.rating],
                why=(completion.error_reason or "").replace("_", " "),
            )
            for completion in step.all()
        ]
        main = None if chosen is None else tries[chosen]
        forks.append(
            _fork(main, [t for place, t in enumerate(tries) if place != chosen and t.rating == "wrong"])
        )
        if main is None:
            break
    return tuple(forks)


def _fork(chosen: Try | None, wrong: list[Try]) -> Fork:
    """A place without tries that read the same."""
    seen = {chosen.text.strip()} if chosen else set[str]()
    kept: list[Try] = []
    for one in wrong:
        if one.text.strip() not in seen:
            seen.add(one.text.strip())
            kept.append(one)
    return Fork(wrong=tuple(kept), chosen=chosen)


# --- values --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Node:
    text: str
    value: float | None
    answer: str | None = None
    children: list[_Node] = field(default_factory=list["_Node"])


class _Prefix(BaseModel):
    solution_prefix: str
    mc_value: float | None = None


def valued(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """The best way through a tree with values. Raises ValueError where there is no tree, or one without a step."""
    question = next(
        (row[name] for name in ("question", "problem", "q") if isinstance(row.get(name), str)), ""
    )
    column = next((name for name in TREES if isinstance(row.get(name), dict | list)), None)
    if column is None:
        raise ValueError(f"no tree: none of {', '.join(TREES)} holds one")
    made: Any = row[column]
    if isinstance(made, list):
        root = _by_prefix(question, [_Prefix.model_validate(one) for one in cast("list[object]", made)])
    elif "0" in made:
        root = _by_tag(cast("dict[str, Any]", made))
    else:
        root = _nested(cast("dict[str, Any]", made))
    way = _best_way(root)
    if not way:
        raise ValueError(f"no step in `{column}`")
    end = way[-1][1]
    gold = gold_of(row, ("final_answer", "answer", "gold"))
    answer = end.answer or find_answer(end.text)
    # Without an answer the value says how solutions from here end, not that one ended here.
    certain = None if answer is None else end.value
    yield StepTree(
        question=question,
        gold=gold[1] if gold else None,
        right={1.0: True, 0.0: False}.get(-1.0 if certain is None else certain),
        forks=tuple(
            _fork(
                _try(node),
                [_try(other) for other in parent.children if other is not node and _is_wrong(other)],
            )
            for parent, node in way
        ),
        answer=answer,
        metadata=facts(row, {"question", "problem", "q", column, "final_answer", "answer", "gold"}),
    )


def _by_prefix(question: str, prefixes: list[_Prefix]) -> _Node:
    """Each prefix hangs on the longest other one that it begins with; those that read the same are one."""
    root = _Node("", None)
    placed: list[tuple[str, _Node]] = [(question, root)]
    for one in sorted(prefixes, key=lambda p: len(p.solution_prefix)):
        text = one.solution_prefix
        before, parent = max(
            ((whole, node) for whole, node in placed if text.startswith(whole)),
            key=lambda place: len(place[0]),
            default=("", root),
        )
        step = text[len(before) :].strip()
        if step:
            node = _Node(step, one.mc_value)
            parent.children.append(node)
            placed.append((text, node))
    return root


def _by_tag(nodes: dict[str, Any]) -> _Node:
    made = {
        tag: _node(cast("dict[str, Any]", node), low=-1.0)
        for tag, node in nodes.items()
        if isinstance(node, dict)
    }
    for tag in sorted(made, key=lambda tag: (tag.count("."), tag)):
        parent = made.get(tag.rpartition(".")[0])
        if parent is not None:
            parent.children.append(made[tag])
    return made.get("0", _Node("", None))


def _nested(tree: dict[str, Any]) -> _Node:
    root = _node(tree)
    waiting = [(root, tree)]
    while waiting:
        node, fields = waiting.pop()
        children: Any = fields.get("children") or []
        if not isinstance(children, list):
            raise ValueError("`children` is no list")
        for child in cast("list[object]", children):
            if isinstance(child, dict):
                made = _node(cast("dict[str, Any]", child))
                node.children.append(made)
                waiting.append((made, cast("dict[str, Any]", child)))
    return root


def _node(fields: Mapping[str, Any], low: float = 0.0) -> _Node:
    """A node; ``low`` is the value that means certainly wrong, 1 being certainly right."""
    text = next((fields[name] for name in _TEXTS if isinstance(fields.get(name), str)), "")
    value = next((fields[name] for name in _VALUES if isinstance(fields.get(name), int | float)), None)
    answer = fields.get("final_answer")
    return _Node(
        text=text.strip(),
        value=None if value is None else min(1.0, max(0.0, (float(value) - low) / (1.0 - low))),
        answer=answer if isinstance(answer, str) and answer.strip() else None,
    )


def _best_way(root: _Node) -> list[tuple[_Node, _Node]]:
    """Parent and child, from below the problem to the leaf of the highest value; the deepest of several."""
    best: tuple[float, int, list[tuple[_Node, _Node]]] = (-2.0, 0, [])
    waiting: list[tuple[_Node, list[tuple[_Node, _Node]]]] = [(root, [])]
    while waiting:
        node, way = waiting.pop()
        if not node.children:
            value = -1.0 if node.value is None else node.value
            if way and (value, len(way)) > best[:2]:
                best = (value, len(way), way)
        # The first child is looked at first, so that it wins where several are as good.
        waiting.extend((child, [*way, (node, child)]) for child in reversed(node.children) if child.text)
    return best[2]


def _is_wrong(node: _Node) -> bool:
    return bool(node.text) and node.value is not None and node.value < 0.5


def _try(node: _Node) -> Try:
    return Try(text=node.text, value=node.value)


# --- labelled solutions --------------------------------------------------------------------------------------------


def labelled(solution: LabelledSolution) -> StepTree:
    """A labelled solution as a tree of one branch; its labels become readings."""
    ratings: tuple[Literal["right", "neutral", "wrong"] | None, ...] = solution.labels
    wrong = "wrong" in ratings
    # A whole solution without a wrong step ends right; one with a wrong step may end right all the same.
    known = (
        True if solution.whole and set(ratings) == {"right"} else False if ratings[-1] == "wrong" else None
    )
    return StepTree(
        question=solution.question,
        gold=solution.gold,
        right=solution.answer_right if solution.answer_right is not None else known,
        forks=tuple(
            Fork(chosen=Try(text=text, rating=rating))
            for text, rating in zip(solution.steps, ratings, strict=True)
            if text
        ),
        metadata={**solution.metadata, "first_error": solution.first_error} if wrong else solution.metadata,
    )
