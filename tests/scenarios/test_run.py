"""Runs: their directory, their manifest, resuming, and what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from longthought.agents.errors import FatalModelError, JournalMismatch, UsageError
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.load import Loaded
from longthought.scenarios.run import RunOptions, RunResult, run_scenario
from tests.scenarios.scripted_scenarios import asked, load, options, until_asked

QUIET = Console(quiet=True)


async def play(loaded: Loaded, how: RunOptions) -> RunResult:
    asked.clear()
    return await run_scenario(loaded, how, QUIET)


def manifest(directory: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((directory / "run" / "manifest.json").read_text())
    return told


def said(run: Path) -> list[str]:
    return [transcript.model_dump_json(exclude={"run"}) for transcript in read_transcripts(run)]


async def test_a_run_leaves_manifest_journal_and_transcripts(tmp_path: Path) -> None:
    result = await play(load(tmp_path), options(tmp_path))
    assert result.status == "finished"
    transcripts = list(read_transcripts(result.run_dir))
    assert len(transcripts) == 8
    assert {transcript.outcome.kind for transcript in transcripts} == {"solved"}
    assert {j.decision.kind for t in transcripts for j in t.judgements} == {
        "continue",
        "backtrack",
        "terminate",
    }
    told = manifest(tmp_path)
    assert told["status"] == "finished"
    assert told["models"] == {"adder": "adder"}
    assert told["outcomes"] == {"solved": 8}
    assert told["scenario"]["asks"] == 3  # defaults are in it
    assert {"longthought", "python", "pydantic"} <= told["versions"].keys()
    assert set(told["prompts"]) == {"policy", "critic", "shared", "policy_cue", "critic_cue", "quote"}


async def test_the_manifest_is_there_before_the_first_request(tmp_path: Path) -> None:
    loaded = load(tmp_path, "models.adder.options.pause=30")
    asked.clear()
    playing = asyncio.create_task(play(loaded, options(tmp_path)))
    await until_asked(1)
    assert manifest(tmp_path)["status"] == "running"
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert manifest(tmp_path)["status"] == "cancelled"


async def test_a_finished_run_resumes_without_a_request(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    first = await play(loaded, options(tmp_path))
    before = said(first.run_dir)
    with pytest.raises(UsageError, match=r"holds this run already \(finished\); go on with --resume"):
        await play(loaded, options(tmp_path))
    assert (await play(loaded, options(tmp_path, resume=True))).status == "finished"
    assert asked == []
    assert said(first.run_dir) == before
    assert manifest(tmp_path)["outcomes"] == {"solved": 8}


async def test_a_cancelled_run_resumes_to_what_an_uncancelled_one_says(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = await play(load(tmp_path / "whole"), options(tmp_path / "whole"))
    total = len(asked)
    loaded = load(tmp_path, "models.adder.options.pause=0.002")
    asked.clear()
    playing = asyncio.create_task(play(loaded, options(tmp_path, max_connections=2)))
    await until_asked(total // 2)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    begun = len(asked)
    resumed = await play(loaded, options(tmp_path, resume=True))
    assert said(resumed.run_dir) == said(whole.run_dir)
    assert total <= begun + len(asked) <= total + 2  # two were in flight


async def test_a_signal_at_any_point_cancels_and_the_rest_follows_on_resume(tmp_path: Path) -> None:
    """F2: ten points, the signal sent to this very process."""
    (tmp_path / "whole").mkdir()
    whole = said((await play(load(tmp_path / "whole"), options(tmp_path / "whole"))).run_dir)
    total = len(asked)
    for point in range(10):
        directory = tmp_path / f"{point}"
        directory.mkdir()
        loaded = load(directory, "models.adder.options.pause=0.001")
        asked.clear()
        playing = asyncio.create_task(run_scenario(loaded, options(directory, max_connections=2), QUIET))
        await until_asked(1 + point * total // 12)
        os.kill(os.getpid(), signal.SIGINT if point % 2 else signal.SIGTERM)
        assert (await playing).status == "cancelled"
        assert manifest(directory)["status"] == "cancelled"
        resumed = await run_scenario(loaded, options(directory, resume=True), QUIET)
        assert said(resumed.run_dir) == whole
        assert len(asked) <= total + 2


async def test_a_larger_limit_extends_the_run(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    await play(loaded, options(tmp_path, limit=1))
    once = len(asked)
    result = await play(loaded, options(tmp_path, limit=3, resume=True))
    assert len(asked) == 2 * once
    assert len(said(result.run_dir)) == 6
    result = await play(loaded, options(tmp_path, limit=1, resume=True))
    assert asked == []
    assert len(said(result.run_dir)) == 6
    assert manifest(tmp_path)["debates"] == 6


EDITS = [
    ("seed=1", "seed: 0 → 1"),
    ("budget.turns=9", "budget.turns: 8 → 9"),
    ("budget.tokens_out=9", "budget.tokens_out: (none) → 9"),
    ("seats.policy.temperature=0.1", "seats.policy.temperature: 0.7 → 0.1"),
    ("seats.critic.max_tokens=7", "seats.critic.max_tokens: 512 → 7"),
    ("epochs=3", "epochs: 2 → 3"),
    ("prompts=terse", 'prompts: "default" → "terse"'),
    ("rewards.answer=inject", 'rewards.answer: (none) → "inject"'),
    ("on_wrong_answer=tell", 'on_wrong_answer: "stop" → "tell"'),
    ("models.adder.options.name=b", 'models.adder.options.name: (none) → "b"'),
    ("memory=path", 'memory: "walk" → "path"'),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("finished")
    asyncio.run(play(load(directory), options(directory, limit=1)))
    return directory


@pytest.mark.parametrize(("edit", "difference"), EDITS)
async def test_a_changed_scenario_is_refused_with_the_difference(
    finished: Path, edit: str, difference: str
) -> None:
    """F10."""
    before = (finished / "run" / "manifest.json").read_bytes()
    for resume in (True, False):
        with pytest.raises(JournalMismatch) as caught:
            await play(load(finished, edit), options(finished, limit=1, resume=resume))
        assert difference in str(caught.value)
        assert "--force-new" in str(caught.value)
    assert asked == []
    assert (finished / "run" / "manifest.json").read_bytes() == before


async def test_changed_problems_are_refused(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    await play(loaded, options(tmp_path))
    rows = (tmp_path / "sums.jsonl").read_text()
    (tmp_path / "sums.jsonl").write_text(rows.replace("What is 0+1", "How much is 0+1"))
    with pytest.raises(JournalMismatch, match="first 4 problems"):
        await play(loaded, options(tmp_path, resume=True))


async def test_other_weights_under_the_same_path_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    weights = tmp_path / "weights" / "model.safetensors"
    weights.write_text("first")
    loaded = load(tmp_path, "models.adder.model=weights")
    await play(loaded, options(tmp_path, limit=1))
    await play(loaded, options(tmp_path, limit=1, resume=True))
    weights.write_text("trained since")
    with pytest.raises(JournalMismatch, match=r"identities\.adder\.model: "):
        await play(loaded, options(tmp_path, limit=1, resume=True))
    # A run from before its models' weights were noted is still gone on with.
    told = manifest(tmp_path)
    del told["identities"]
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(told))
    assert (await play(loaded, options(tmp_path, limit=1, resume=True))).status == "finished"


async def test_fewer_and_other_problems_are_refused(tmp_path: Path) -> None:
    await play(load(tmp_path), options(tmp_path))
    loaded = load(tmp_path, problems=2)
    await play(loaded, options(tmp_path, resume=True))
    rows = (tmp_path / "sums.jsonl").read_text()
    (tmp_path / "sums.jsonl").write_text(rows.replace("What is 1+2", "How much is 1+2"))
    with pytest.raises(JournalMismatch, match="first 2 problems"):
        await play(loaded, options(tmp_path, resume=True))


async def test_force_new_moves_the_old_run_aside(tmp_path: Path) -> None:
    for expected in range(3):
        await play(load(tmp_path, f"seed={expected}"), options(tmp_path, limit=1, force_new=True))
    assert manifest(tmp_path)["seed"] == 2
    assert json.loads((tmp_path / "run.1" / "manifest.json").read_text())["seed"] == 0
    assert json.loads((tmp_path / "run.2" / "manifest.json").read_text())["seed"] == 1
    assert len(said(tmp_path / "run.1")) == 2


async def test_two_runs_on_one_directory(tmp_path: Path) -> None:
    """F11: of two that start together one plays, the other is told who has it."""
    loaded = load(tmp_path, "models.adder.options.pause=0.001")
    refused = 0
    for race in range(50):
        flags = [{}, {"resume": True}, {"force_new": True}][race % 3]
        how = RunOptions(run_dir=tmp_path / f"run-{race}", allow_import=True, limit=1, **flags)
        results = await asyncio.gather(
            *(run_scenario(loaded, how, QUIET) for _ in range(2)), return_exceptions=True
        )
        errors = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(error, UsageError) and "in use by process" in str(error) for error in errors)
        refused += len(errors)
        assert len(said(how.run_dir or tmp_path)) == 2
    assert refused == 50


async def test_a_fatal_error_ends_the_run_as_failed_and_it_can_be_resumed(tmp_path: Path) -> None:
    loaded = load(tmp_path, "models.adder.engine=tests.scenarios.test_run:moody")
    how = options(tmp_path, max_connections=1)
    moods.append(FatalModelError("the account has no credit left"))
    with pytest.raises(FatalModelError):
        await play(loaded, how)
    told = manifest(tmp_path)
    assert (told["status"], told["error"]) == ("failed", "the account has no credit left")
    result = await play(loaded, options(tmp_path, resume=True))
    assert result.status == "finished"
    assert manifest(tmp_path)["error"] == ""


moods: list[Exception] = []


def moody() -> Any:
    """An adder whose twentieth request fails, once."""
    from tests.scenarios.scripted_scenarios import Adder

    class Moody(Adder):
        async def sample(self, *args: Any, **kwargs: Any) -> Any:
            if len(self.requests) == 20 and moods:
                raise moods.pop()
            return await super().sample(*args, **kwargs)

    return Moody()


@pytest.mark.parametrize("protocol", ["monologue", "best-of-n"])
async def test_the_policy_alone(tmp_path: Path, protocol: str) -> None:
    sets = [f"protocol={protocol}", "rewards.answer=inject"] + (["n=3"] if protocol == "best-of-n" else [])
    result = await play(load(tmp_path, *sets), options(tmp_path))
    transcripts = list(read_transcripts(result.run_dir))
    assert {t.outcome.kind for t in transcripts} == {"solved"}
    assert "critic" not in transcripts[0].usage


async def test_a_reward_that_knows_the_gold_answer_makes_the_debate_informed(tmp_path: Path) -> None:
    result = await play(load(tmp_path, "rewards.answer=inject"), options(tmp_path, limit=1))
    transcript = next(read_transcripts(result.run_dir))
    assert transcript.informed
    assert transcript.judgements[-1].readings[0].value == 1.0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", "not the manifest of a run"),
        (None, "holds a journal but no manifest"),
    ],
)
async def test_a_directory_with_something_else_in_it_is_left_alone(
    tmp_path: Path, content: str | None, words: str
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    if content is None:
        (run / "journal-0.jsonl").write_text('{"debate":0,"at":0,"kind":"opened","data":{}}\n')
    else:
        (run / "manifest.json").write_text(content)
    before = {file: file.read_bytes() for file in run.iterdir()}
    with pytest.raises(UsageError, match=words):
        await play(load(tmp_path), options(tmp_path))
    assert {file: file.read_bytes() for file in before} == before
    assert asked == []


async def test_a_run_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UsageError, match="is a file; name a directory with --run-dir"):
        await play(load(tmp_path), options(tmp_path))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("dataset.path=nowhere.jsonl", "dataset.path: there is no file"),
        ("dataset.question=problem", r"sums.jsonl:1: .*no column 'problem'"),
        ("rewards.answr=inject", r"rewards.answr: nothing is named 'answr' \(did you mean 'answer'\?\)"),
        ("protocol=debat", r"protocol: nothing is named 'debat' \(did you mean 'debate'\?\)"),
        ("prompts=mine", "no set named 'mine'"),
        ("models.adder.options.speed=3", "models.adder.options: .*speed"),
        ("models.adder.engine=no.such:thing", "models.adder.engine: 'no.such:thing' cannot be imported"),
        ("models.adder.engine=tests.scenarios.test_run:play", "models.adder"),
        ("dataset.scorer=exct", "dataset.scorer|scorer: "),
        ("rewards.answer=tool", "rewards.answer: the engine of model 'adder' cannot call tools"),
    ],
)
async def test_a_part_that_cannot_be_had_leaves_nothing_behind(
    tmp_path: Path, override: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        await play(load(tmp_path, override), options(tmp_path))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


async def test_code_named_in_a_scenario_is_not_imported_unless_allowed(tmp_path: Path) -> None:
    """S13."""
    canary = tmp_path / "written"
    (tmp_path / "canary_module.py").write_text(f"open({str(canary)!r}, 'w').close()\n")
    changes: list[tuple[str, ...]] = [
        ("models.adder.engine=canary_module:thing",),
        ("seats.critic={agent: 'canary_module:thing'}",),
        ("protocol=canary_module:thing",),
        ("rewards={'canary_module:thing': inject}",),
        ("dataset={kind: plugin, name: 'canary_module:thing'}",),
        ("dataset.scorer=canary_module:thing",),
    ]
    for sets in changes:
        loaded = load(tmp_path, *sets)
        with pytest.raises(UsageError):
            await run_scenario(loaded, RunOptions(run_dir=tmp_path / "run"), QUIET)
    assert not canary.exists()
    assert not (tmp_path / "run").exists()
