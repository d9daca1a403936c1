"""A scripted model that gets better by being trained, its trainer, and loops over sums for both, without torch."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import yaml

from longthought.agents.calls import digest_of
from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.scripted import ScriptedModel
from longthought.scenarios import looping
from longthought.scenarios.loop_asking import How
from longthought.train.loops.account import Line
from longthought.train.loops.settings import LoopSettings
from longthought.train.settings import DpoSettings, SftSettings, load_settings

#: Of ten dice the one whose whole thought is cut by its limit; its answer would be right.
CUT = 2

#: Called with a word whenever something happens that a test may want to hear of.
heard: list[Any] = []


def _tell(what: str) -> None:
    for ear in heard:
        ear(what)


class Learner(ScriptedModel):
    """Adds two numbers, rightly as often as its ``skill`` allows; with the answer as a hint nearly always.

    Asked as a critic it sends back wrong sums. Its replies depend on the request, its seed and its skill alone.
    """

    def __init__(self, model: str = "") -> None:
        skill = orjson.loads((Path(model) / "config.json").read_bytes())["skill"] if model else 0
        super().__init__(self._say, f"learner-{skill}")
        self._skill = skill

    def _say(self, messages: Sequence[Message | ToolMessage], sampling: Sampling) -> Reply:
        _tell("asked")
        said = [message for message in messages if isinstance(message, Message)]
        text = self._judged(said) if "Critic: judge" in said[-1].content else self._solved(said, sampling)
        cut = text.startswith("<think>") and "</think>" not in text
        usage = Usage(sum(len(each.content) for each in said), len(text))
        return Reply(text, "length" if cut else "stop", usage)

    def _solved(self, said: list[Message], sampling: Sampling) -> str:
        question = next(each.content for each in said if each.role == "user")
        left, right = map(int, re.findall(r"(\d+)\+(\d+)", question)[0])
        die = digest_of(question, sampling.seed, len(said))[0] % 10
        total = left + right + (die >= (9 if "right answer is" in question else 3 + self._skill))
        if len(said) > 1:  # a debate
            return f"Answer: {total}"
        thought = f"<think>\n{'Hmm. ' * (die % 4)}Let me add {left} and {right}. Wait, {total}."
        return thought if die == CUT else f"{thought}\n</think>\n\nAnswer: {total}"

    @staticmethod
    def _judged(said: list[Message]) -> str:
        shown = "".join(each.content for each in said)
        left, right = map(int, re.findall(r"(\d+)\+(\d+)", shown)[0])
        answers = [int(each) for each in re.findall(r"Answer: (\d+)", shown)]
        return "terminate solved" if answers[-1] == left + right else "backtrack 0: that is not the sum"


def train(settings: SftSettings | DpoSettings) -> None:
    """What a trainer leaves: a directory, all at once. Each training adds one to the skill of where it started."""
    assert isinstance(settings.model, str)
    rows = b"".join((corpus.path / corpus.kind / "train.jsonl").read_bytes() for corpus in settings.corpora)
    start = orjson.loads((Path(settings.model) / "config.json").read_bytes())
    staging = settings.out.with_name(f".{settings.out.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    _tell("training begins")
    told = {
        "skill": min(6, start["skill"] + 2),
        "rows": str(digest_of(rows.decode())),
        "epochs": settings.epochs,
    }
    write_learner(staging, told)
    _tell("training ends")
    shutil.rmtree(settings.out, ignore_errors=True)
    staging.rename(settings.out)


def write_learner(place: Path, told: dict[str, Any]) -> Path:
    place.mkdir(parents=True)
    (place / "config.json").write_bytes(orjson.dumps(told))
    (place / "model.safetensors").write_bytes(orjson.dumps(told))
    return place


#: How a scenario is told to have whole thoughts written instead of debates.
WHOLE = {"set": ["protocol=long-thought"]}

#: Settings of each loop, on top of those below; ``base`` is a directory beside.
LOOPS: dict[str, dict[str, Any]] = {
    "star": {"samples": 1},
    "explore": {
        "samples": 2,
        "seeds": {"asked": {"scenario": "seeds.yaml", **WHOLE}, "samples": 2},
        "improve": "dpo",
        "pairs": {"kind": "preference"},
        "rows": [{"kind": "rejection"}],
    },
    "cotrain": {
        "critic": "critic",
        "problems": {"scenario": "sums.yaml"},
        "evaluation": {"scenario": "held.yaml"},
    },
    "dpo": {"samples": 6},
}


def _scenario(name: str, model: str, numbers: range) -> None:
    rows = (f'{{"question": "What is {i}+{i + 1}?", "answer": "{2 * i + 1}"}}\n' for i in numbers)
    Path(f"{name}.jsonl").write_text("".join(rows))
    told = {
        "name": name,
        "dataset": {"kind": "file", "path": f"{name}.jsonl", "scorer": "exact"},
        "models": {
            "learner": {"engine": "tests.train.loop_models:Learner", "options": {"model": model}},
        },
        "seats": {"policy": {"model": "learner"}, "critic": {"model": "learner"}},
        "budget": {"turns": 6},
    }
    Path(f"{name}.yaml").write_text(yaml.safe_dump(told))


def written(loop: str, **changes: Any) -> Path:
    """The settings of a loop over eight sums, as files in the working directory."""
    _scenario("sums", "base", range(8))
    _scenario("held", "base", range(20, 25))
    _scenario("seeds", "teacher", range(40, 44))
    for name, skill in {"base": 0, "critic": 0, "teacher": 5}.items():
        if not Path(name).exists():
            write_learner(Path(name), {"skill": skill, "name": name})
    told = {
        "model": "base",
        "problems": {"scenario": "sums.yaml", **WHOLE},
        "evaluation": {"scenario": "held.yaml", **WHOLE},
        "rounds": 3 if loop == "explore" else 2,
        **LOOPS[loop],
        **changes,
    }
    file = Path(f"{loop}.yaml")
    file.write_text(yaml.safe_dump(told))
    return file


def settings_of(loop: str, **changes: Any) -> LoopSettings:
    return load_settings(written(loop, **changes), schema=looping.LOOPS[loop].settings)


def play(loop: str, out: str = "out", **changes: Any) -> tuple[list[Line], list[str]]:
    """The rounds, and the stages that were made now."""
    made: list[str] = []

    def say(stage: str, there: bool) -> None:
        if not there:
            made.append(stage)

    how = How(max_connections=4, allow_import=True)
    return looping.play_loop(loop, settings_of(loop, **changes), Path(out), how, say, train), made
