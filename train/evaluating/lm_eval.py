"""EleutherAI's lm-evaluation-harness, run as a program of its own against a server that speaks OpenAI's protocol.

Its models ``local-completions`` and ``local-chat-completions`` ask the server; the tokenizer is read from the model's
directory, for tasks that score texts by their likelihood. Results are read from the JSON that it leaves (layout of
lm-eval 0.4): ``results.<task>.<metric>,<filter>``, with the standard error beside it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson

from longthought.agents.errors import RunError, UsageError

PROGRAM = "lm_eval"
#: Its parser takes an option's beginning for the whole, short options behind short flags, and settings from a file.
_NEVER = "--trust_remote_code"
_SET_HERE = ("--config", "--model_args")
_SET_HERE_SHORT = re.compile(r"-[swx]*[CMa]")


@dataclass(frozen=True, slots=True)
class HarnessRun:
    """What is to be asked of whom.

    Attributes:
        served: the name that the server knows the model by.
        tokenizer: directory or hub name.
        base_url: the server's address up to and with ``/v1``.
        chat: ask in chats, which the server's chat template writes, instead of in plain text.
        more: arguments passed on as they stand.
        key: the server's, if it asks for one.
    """

    served: str
    tokenizer: str
    base_url: str
    tasks: tuple[str, ...]
    chat: bool = False
    concurrent: int = 8
    limit: int | None = None
    more: tuple[str, ...] = ()
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one task; ``error`` is its standard error where the harness gives one."""

    task: str
    metric: str
    filter: str
    value: float
    error: float | None
    samples: int | None


def command(run: HarnessRun, out: Path) -> list[str]:
    """The program and its arguments, for no shell.

    Raises:
        UsageError: there is no such program; a value that its arguments cannot carry, or that it must not be given.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(f"--harness lm-eval: no program {PROGRAM} here; pip install 'lm-eval[api]'")
    for option in (each.partition("=")[0] for each in run.more):
        if _begins(option, _NEVER):
            raise UsageError("--harness-arg: code that comes with a model or a data set is never run")
        if _SET_HERE_SHORT.match(option) or any(_begins(option, name) for name in _SET_HERE):
            raise UsageError(
                f"--harness-arg: {option} is not passed on; give --model, and other settings one by one"
            )
    url = f"{run.base_url.rstrip('/')}/{'chat/completions' if run.chat else 'completions'}"
    model = {
        "model": run.served,
        "base_url": url,
        "num_concurrent": str(run.concurrent),
        "tokenizer_backend": "huggingface",
        "tokenizer": run.tokenizer,
        # Text instead of token ids: then the server's own tokenizer has the last word.
        "tokenized_requests": "False",
        # What is graded is what stands behind the thought.
        **({"think_end_token": "</think>"} if run.chat else {}),
    }
    if wrong := [value for value in model.values() if "," in value or "=" in value]:
        raise UsageError(f"{wrong[0]}: has a comma or an equals sign in it, which {PROGRAM} cannot be given")
    return [
        program,
        *("--model", "local-chat-completions" if run.chat else "local-completions"),
        *("--model_args", ",".join(f"{key}={value}" for key, value in model.items())),
        *("--tasks", ",".join(run.tasks)),
        *("--output_path", str(out)),
        *(["--apply_chat_template"] if run.chat else []),
        *(["--limit", str(run.limit)] if run.limit is not None else []),
        *run.more,
    ]


def _begins(option: str, name: str) -> bool:
    """Whether the parser may take it for the option of that name; a single letter is none's alone."""
    return len(option) > len("--t") and name.startswith(option)


def check_harness(run: HarnessRun) -> None:
    """That it could be run. Raises what ``command`` does."""
    command(run, Path())


def run_harness(run: HarnessRun, out: Path) -> list[Score]:
    """Run it to its end; its own report goes to standard error.

    Raises:
        UsageError: see ``command``.
        RunError: it failed, or left no results.
    """
    asked = command(run, out)
    # A key from the environment is for whom it is for, and not for every server.
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    if run.key is not None:
        env["OPENAI_API_KEY"] = run.key
    before = set(out.rglob("results_*.json"))
    ended = subprocess.run(asked, env=env, stdin=subprocess.DEVNULL, stdout=2, check=False)
    if ended.returncode:
        raise RunError(f"{PROGRAM}: ended with {ended.returncode}; what it said stands above")
    new = sorted(set(out.rglob("results_*.json")) - before)
    if not new:
        raise RunError(f"{PROGRAM}: left no results under {out}")
    return read_scores(new[-1])


def read_scores(file: Path) -> list[Score]:
    """The scores in a results file.

    Raises:
        RunError: it is none.
    """
    try:
        told: Any = orjson.loads(file.read_bytes())
        results = cast("Mapping[str, Mapping[str, Any]]", told["results"])
        counts = cast("Mapping[str, Mapping[str, Any]]", told.get("n-samples", {}))
        return [score for task, row in results.items() for score in _scores(task, row, counts.get(task, {}))]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{file}: not the results of {PROGRAM}") from error


def _scores(task: str, row: Mapping[str, Any], counts: Mapping[str, Any]) -> Sequence[Score]:
    found: list[Score] = []
    for key, value in row.items():
        metric, comma, filtered = key.partition(",")
        if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = row.get(f"{metric}_stderr,{filtered}")
        samples = counts.get("effective")
        found.append(
            Score(
                task,
                metric,
                filtered,
                float(value),
                float(error) if isinstance(error, int | float) else None,
                samples if isinstance(samples, int) else None,
            )
        )
    return found
