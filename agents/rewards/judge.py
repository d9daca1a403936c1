"""An LLM judge: any model, asked whether the last step of a path is correct, incorrect or neutral, and why.

Source: O1-Journey part 1, its tree's second way of pruning, in which a model says of each step correct or incorrect,
with a reason; several votes as in GenPRM's maj@k. Departures: a third label for steps that are neither, as in PRM800K;
problem and steps stand in fences; a reply that names no label, or two, is no vote.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longthought.agents.calls import sample
from longthought.agents.errors import RewardError
from longthought.agents.models.contract import Message, Model, Sampling
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path

Label = Literal["correct", "incorrect", "neutral"]
#: A vote: the label and the reason given for it.
Vote = tuple[Label, str]

#: Files of a judge's prompt set.
PARTS = ("judge", "judge_cue")
_REGEX = r"(correct|incorrect|neutral): [^\n]{1,200}"
_LINE = re.compile(
    r"(?:(?:label|verdict)[*_`]*\s*:[\s*_`]*)?(?P<label>correct|incorrect|neutral)[*_`]*\s*(?:[:.\-–—]\s*(?P<why>.*))?",
    re.IGNORECASE,
)
#: Marks of lists and emphasis, not of quotations: a quoted verdict is no verdict.
_MARKS = " \t*_`#-"
_MAX_REPLY = 20_000
_MAX_WHY = 500
#: A temperature at which several samples differ.
_WARM = 0.7


class JudgeOptions(BaseModel):
    """How a judge is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Samples of one request; the label with most votes is read.
    votes: int = Field(default=1, ge=1, le=64)
    #: 0 for one vote and 0.7 for several, unless given.
    temperature: float | None = Field(default=None, ge=0, le=5)
    max_tokens: int = Field(default=200, ge=1)
    #: What a neutral step counts as. Let's Verify counts it as right.
    neutral: Literal["right", "wrong", "unscored"] = "right"
    #: Read the label with its reason, or the share of votes for ``correct``.
    as_: Literal["label", "share"] = Field(default="label", alias="as")
    #: A shipped prompt set, or a directory with ``judge.md`` and ``judge_cue.md``.
    prompt: str = "default"

    @model_validator(mode="after")
    def _votes_differ(self) -> JudgeOptions:
        if self.votes > 1 and self.temperature == 0:
            raise ValueError(f"{self.votes} votes at temperature 0 are one and the same; warm it, or take 1")
        return self

    @property
    def sampling(self) -> Sampling:
        warm = 0.0 if self.votes == 1 else _WARM
        temperature = warm if self.temperature is None else self.temperature
        return Sampling(temperature=temperature, max_tokens=self.max_tokens, regex=_REGEX)


class JudgeReward(Reward):
    """Labels the last thought of a path by the vote of a model's samples; a tie is *unscored*.

    Args:
        who: what makes two models the same one, for ``identity``; the model's name unless given. Only called there,
            for it may have to read weights.
        base_dir: what a directory of prompts is relative to.

    Raises:
        UsageError: the prompts are not there.
    """

    asks_models = True

    def __init__(
        self,
        model: Model,
        options: JudgeOptions | None = None,
        *,
        who: Callable[[], dict[str, Any]] | None = None,
        base_dir: FilePath | None = None,
        name: str = "judge",
    ) -> None:
        self.name = name
        self._model, self._options = model, options or JudgeOptions()
        self._who = who or (lambda: {"model": model.name})
        self._prompts = Prompts(self._options.prompt, base_dir, PARTS)
        self.prompts = self._prompts.texts

    async def read(self, path: Path) -> Reading:
        """The vote on the path's last thought.

        Raises:
            RewardError: no sample could be read as a vote.
            ModelError: what the model raises.
        """
        if not path.thoughts:
            return Reading(reward=self.name, why="there is no step to read")
        replies = await sample(self._model, self._messages(path), self._options.sampling, self._options.votes)
        shown = "\n".join((path.problem.question, *(thought.text for thought in path.thoughts)))
        # The end of a cut reply may be half of another verdict.
        whole = [reply.text for reply in replies if reply.finish != "length"]
        votes = [vote for text in whole if (vote := read_vote(text, shown)) is not None]
        if not votes:
            raise RewardError(f"{self._model.name}: no reply of {len(replies)} names exactly one label")
        return self._share(votes) if self._options.as_ == "share" else self._label(votes)

    def identity(self) -> dict[str, Any]:
        asked = self._options.model_dump(mode="json", by_alias=True, exclude={"prompt"})
        return {"reward": self.name, "judge": self._who(), **asked, "prompts": self.prompts}

    def _messages(self, path: Path) -> list[Message]:
        *before, last = (thought.text for thought in path.thoughts)
        cue = self._prompts.render(
            "judge_cue", problem=path.problem.question, before=tuple(before), step=last, number=path.depth
        )
        system = self._prompts.render("judge")
        return [*([Message("system", system)] if system else []), Message("user", cue)]

    def _label(self, votes: list[Vote]) -> Reading:
        counts = Counter[str](label for label, _ in votes)
        (label, most), *others = counts.most_common()
        if others and others[0][1] == most:
            return Reading(reward=self.name, why=f"a tie: {_told(counts)}")
        why = next((why for its, why in votes if its == label and why), "")
        if len(votes) > 1:
            why = f"{most} of {len(votes)}: {why}" if why else f"{most} of {len(votes)}"
        neutral = self._options.neutral if label == "neutral" else "unscored"
        return Reading(
            reward=self.name, label=label, why=why, neutral=None if neutral == "unscored" else neutral
        )

    def _share(self, votes: list[Vote]) -> Reading:
        counts = Counter[str](label for label, _ in votes)
        counted = len(votes) - (counts["neutral"] if self._options.neutral == "unscored" else 0)
        if not counted:
            return Reading(reward=self.name, why=f"neither right nor wrong: {_told(counts)}")
        right = counts["correct"] + (counts["neutral"] if self._options.neutral == "right" else 0)
        why = next((why for label, why in votes if label == "incorrect" and why), "")
        return Reading(
            reward=self.name, value=right / counted, why=f"{_told(counts)}: {why}" if why else _told(counts)
        )


def read_vote(reply: str, shown: str) -> Vote | None:
    """The one label that a judge's reply names, and why; None where it names none or several.

    One line ``label: why``, or a JSON object with ``label`` (or ``verdict``) and ``why`` (or ``reason``).

    Args:
        shown: the problem and steps as they stand; a verdict that is copied from there is a quotation, and no vote.
    """
    if len(reply) > _MAX_REPLY:
        return None
    # A reasoning model may weigh one label after the other before it answers.
    said = reply.rpartition("</think>")[2]
    found = [*_votes_in_json(said, _plain(shown)), *_votes_in_lines(said, shown)]
    labels = {label for label, _ in found}
    return found[0] if len(labels) == 1 else None


def _votes_in_lines(said: str, shown: str) -> Iterator[Vote]:
    whole, lines = _plain(shown), {_plain(line) for line in shown.splitlines()}
    for line in said.splitlines():
        bare = line.strip(_MARKS)
        match = _LINE.fullmatch(bare)
        if match is None:
            continue
        why = (match["why"] or "").strip(_MARKS)
        # A bare label is found in any prose, so only a line of its own can have been copied.
        if _plain(bare) in (whole if why else lines):
            continue
        yield cast("Label", match["label"].lower()), _one_line(why)


def _votes_in_json(said: str, shown: str) -> Iterator[Vote]:
    decoder, at = json.JSONDecoder(), 0
    while (at := said.find("{", at)) >= 0:
        try:
            value, end = cast("tuple[object, int]", decoder.raw_decode(said, at))
        except (ValueError, RecursionError):
            at += 1
            continue
        source, at = said[at:end], end
        if not isinstance(value, dict) or _plain(source) in shown:
            continue
        fields = cast("dict[str, object]", value)
        label = fields.get("label", fields.get("verdict"))
        why = fields.get("why", fields.get("reason"))
        if isinstance(label, str) and label.strip().lower() in ("correct", "incorrect", "neutral"):
            yield (
                cast("Label", label.strip().lower()),
                _one_line(why) if isinstance(why, str) else "",
            )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_WHY]


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{label} {count}" for label, count in counts.most_common())
