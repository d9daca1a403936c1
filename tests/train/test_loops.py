"""Learning loops: what each keeps, where it trains from, what it refuses, and that a killed one ends like any other."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from longthought.agents.decisions import Terminate
from longthought.agents.errors import RunError, UsageError
from longthought.agents.models.random_model import write_random_model
from longthought.agents.problems import Problem
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Judgement, Transcript
from longthought.protocols.transcript_files import read_transcripts, write_transcripts
from longthought.scenarios.load import load_scenario
from longthought.scenarios.loop_asking import How, seated
from longthought.scenarios.loop_problems import check_unseen, load_problems
from longthought.scenarios.looping import LOOPS, play_loop
from longthought.train.loops.round import has_pairs
from longthought.train.loops.settings import Asked, ExploreSettings, LoopSettings
from longthought.train.settings import DpoSettings, SftSettings, load_settings
from tests.train import loop_models
from tests.train.loop_kills import final_hashes
from tests.train.loop_models import play
from tests.train.tiny_corpora import CONFIG

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    loop_models.heard.clear()


def rows(corpus: str, kind: str) -> list[dict[str, Any]]:
    return [
        orjson.loads(line) for line in (Path("out") / corpus / kind / "train.jsonl").read_bytes().splitlines()
    ]


def skill(model: str) -> int:
    return int(orjson.loads((Path("out") / model / "config.json").read_bytes())["skill"])


# --- what each loop does --------------------------------------------------------------------------------------


def test_star_keeps_what_is_right_and_rationalises_the_rest_from_the_base_each_time() -> None:
    lines, _ = play("star")
    answers = list(read_transcripts(Path("out/round-1/answers.jsonl.zst")))
    missed = {each.problem.id for each in answers if not each.right}
    hinted = list(read_transcripts(Path("out/round-1/rationales.jsonl.zst")))
    assert 0 < len(missed) < 8
    assert {each.problem.id for each in hinted} == missed
    taught = rows("round-1/corpus", "journey")
    assert {row["problem"] for row in taught if row["informed"]} == {e.problem.id for e in hinted if e.right}
    assert {row["problem"] for row in taught if not row["informed"]} == {
        e.problem.id for e in answers if e.right
    }
    # What was cut is neither right nor learned, though the answer stood in it; its problem is asked again.
    cut = [each for each in (*answers, *hinted) if each.outcome.kind == "limit:tokens"]
    assert {each.problem.id for each in cut} & missed
    assert all("Answer: " in row["messages"][1]["content"] for row in taught)
    # The hint is in nobody's question.
    assert all(re.fullmatch(r"What is \d+\+\d+\?", row["messages"][0]["content"]) for row in taught)
    assert lines[1].figures.hinted == sum(row["informed"] for row in taught)
    # Two of skill above the base, in both rounds; and the second trains longer.
    assert (skill("round-1/model"), skill("round-2/model")) == (2, 2)
    epochs = [orjson.loads(Path(f"out/round-{n}/model/config.json").read_bytes())["epochs"] for n in (1, 2)]
    assert epochs[1] == pytest.approx(1.2 * epochs[0])


def test_every_phase_of_star_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[tuple[float, int | None]]] = []
    train = loop_models.train

    def spy(settings: SftSettings | DpoSettings) -> None:
        assert isinstance(settings, SftSettings)
        told.append([(phase.epochs, phase.max_steps) for phase in settings.phases])
        train(settings)

    monkeypatch.setattr(loop_models, "train", spy)
    play("star", growth=1.5, sft={"phases": [{"epochs": 1.0}, {"epochs": 2.0, "max_steps": 40}]})
    assert told == [[(1.0, None), (2.0, 40)], [(1.5, None), (3.0, 60)]]


def test_without_rationalisation_nothing_informed_is_learned() -> None:
    _, made = play("star", rationalise=False)
    assert not [stage for stage in made if "rationales" in stage]
    assert not [row for row in rows("round-1/corpus", "journey") if row["informed"]]


def test_exploring_asks_only_what_nobody_solved_and_adds_to_the_data() -> None:
    lines, made = play("explore", rounds=4, improve="sft")
    seeds = {row["problem"] for row in rows("round-0/corpus", "rejection")}
    assert seeds
    assert all(problem.startswith("seeds-") for problem in seeds)
    learned, pool = seeds, {f"sums-{i}" for i in range(1, 9)}
    for line in lines[1:]:
        number = line.figures.round
        tried = list(read_transcripts(Path(f"out/round-{number}/answers.jsonl.zst")))
        assert {each.problem.id for each in tried} == pool
        found = {each.problem.id for each in tried if each.right}
        pool -= found
        assert (f"round-{number}/corpus" in made) == bool(found)
        if found:
            learned |= found
            assert {row["problem"] for row in rows(f"round-{number}/corpus", "rejection")} == learned
            assert skill(f"round-{number}/model") == 2  # the base is where every round starts
    assert not pool
    assert lines[-1].figures.round < 4  # it ended with the pool


def test_exploring_does_not_ask_what_the_seeds_solved() -> None:
    sums = [f'{{"question": "What is {i}+{i + 1}?", "answer": "{2 * i + 1}"}}\n' for i in range(4)]
    Path("copied.jsonl").write_text("".join(sums))
    same = ["dataset.path=copied.jsonl", "models.learner.options.model=teacher", *loop_models.WHOLE["set"]]
    play("explore", rounds=1, seeds={"asked": {"scenario": "sums.yaml", "set": same}, "samples": 2})
    seeds = list(read_transcripts(Path("out/round-0/seeds.jsonl.zst")))
    asked = list(read_transcripts(Path("out/round-1/answers.jsonl.zst")))
    solved = {each.problem.question for each in seeds if each.right}
    assert {each.problem.id.partition("-")[0] for each in seeds} == {"copied"}
    assert solved
    assert {each.problem.question for each in asked} == {f"What is {i}+{i + 1}?" for i in range(8)} - solved


def test_other_questions_under_the_same_ids_are_other_problems() -> None:
    Path("other").mkdir()
    sums = [f'{{"question": "What is {i}+{i + 1}?", "answer": "{2 * i + 1}"}}\n' for i in range(60, 68)]
    Path("other/sums.jsonl").write_text("".join(sums))
    told = [
        "dataset.path=other/sums.jsonl",
        "models.learner.options.model=teacher",
        *loop_models.WHOLE["set"],
    ]
    seeds = {"asked": {"scenario": "seeds.yaml", "set": told}, "samples": 2}
    play("explore", rounds=1, improve="sft", seeds=seeds)
    kept = list(read_transcripts(Path("out/round-1/kept.jsonl.zst")))
    assert len({each.problem.id for each in kept}) < len({each.problem.question for each in kept})
    learned = [row["messages"][0]["content"] for row in rows("round-1/corpus", "rejection")]
    assert sorted(learned) == sorted({each.problem.question for each in kept})


#: Debates without a critic, which are told that an answer is wrong.
TOLD = {"scenario": "sums.yaml", "set": ["protocol=monologue", "on_wrong_answer=tell"]}


def test_what_is_solved_by_being_told_is_not_learned_and_is_asked_again() -> None:
    seeds = {"scenario": "seeds.yaml", "set": ["protocol=monologue"]}
    lines, _ = play(
        "explore",
        rounds=2,
        improve="sft",
        problems=TOLD,
        evaluation=None,
        seeds={"asked": seeds},
        rows=[{"kind": "journey"}],
    )
    first, second = (list(read_transcripts(Path(f"out/round-{n}/answers.jsonl.zst"))) for n in (1, 2))
    alone = {each.problem.id for each in first if each.right and not each.informed}
    told = {each.problem.id for each in first if each.right and each.informed} - alone
    assert told
    assert told <= {each.problem.id for each in second}
    assert {row["problem"] for row in rows("round-1/corpus", "journey")} >= alone
    assert (lines[1].figures.solved, lines[1].figures.hinted) == (len(alone), 0)


@pytest.mark.parametrize("rationalise", [True, False])
def test_only_a_hint_counts_as_one(rationalise: bool) -> None:
    lines, _ = play("star", rounds=1, problems=TOLD, rationalise=rationalise, rows=[{"kind": "journey"}])
    answers = list(read_transcripts(Path("out/round-1/answers.jsonl.zst")))
    alone = {each.problem.id for each in answers if each.right and not each.informed}
    assert any(each.right and each.informed for each in answers)
    hinted = Path("out/round-1/rationales.jsonl.zst")
    by_hint = {e.problem.id for e in read_transcripts(hinted) if e.right} if rationalise else set[str]()
    assert (lines[1].figures.solved, lines[1].figures.hinted) == (len(alone | by_hint), len(by_hint))


def test_exploring_may_end_in_dpo_from_the_first_rounds_model() -> None:
    lines, made = play("explore")
    aligned = [line.figures for line in lines if f"round-{line.figures.round}/pairs" in made]
    assert aligned
    for one in aligned:
        pairs = rows(f"round-{one.round}/pairs", "preference")
        assert len(pairs) == one.rows
        assert skill(f"round-{one.round}/model") == skill("round-1/model") + 2


def test_what_goes_by_perplexity_is_measured_by_the_rounds_model() -> None:
    def real(place: Path) -> None:
        """Weights that perplexities can be had of, beside the skill."""
        told = orjson.loads((place / "config.json").read_bytes())
        write_random_model(place, told["skill"], layers=1, hidden=32)
        config = orjson.loads((place / "config.json").read_bytes())
        (place / "config.json").write_bytes(orjson.dumps({**config, **told}))

    def train(settings: SftSettings | DpoSettings) -> None:
        loop_models.train(settings)
        real(settings.out)

    settings = loop_models.settings_of(
        "explore",
        rounds=2,
        samples=2,
        rows=[{"kind": "rejection", "options": {"pick": "high_perplexity"}}],
        pairs=ExploreSettings.model_fields["pairs"].default.model_dump(),
    )
    real(Path("base"))
    how = How(max_connections=4, allow_import=True)
    for out in ("out", "other"):
        play_loop("explore", settings, Path(out), how, lambda stage, there: None, train)
    assert final_hashes(Path("out")) == final_hashes(Path("other"))

    def values(name: str, model: str) -> dict[str, float]:
        header, *told = map(orjson.loads, Path(f"out/{name}-perplexities.jsonl").read_bytes().splitlines())
        assert header["perplexity_of"] == model
        return {f"{each['run']} {each['id']}": each["journey"] for each in told}

    measured = values("round-1/corpus", "round-0/model")
    tries = list(read_transcripts(Path("out/round-1/kept.jsonl.zst")))
    for row in rows("round-1/corpus", "rejection"):
        same = [measured[f"{each.run} {each.id}"] for each in tries if each.problem.id == row["problem"]]
        assert measured[f"{row['run']} {row['id']}"] == max(same)
    measured = values("round-2/pairs", "round-1/model")
    tries = list(read_transcripts(Path("out/round-2/tried.jsonl.zst")))
    pairs = rows("round-2/pairs", "preference")
    assert pairs
    seen = set[str]()
    for row in pairs:
        assert not row["chosen_finished"]
        assert "Answer" not in row["chosen"][0]["content"]
        if row["problem"] in seen:
            continue  # the first pair of a problem has the most perplexing of the right ones
        seen.add(row["problem"])
        right = [e for e in tries if e.problem.id == row["problem"] and e.right]
        assert measured[f"{row['run']} {row['id'].partition('>')[0]}"] == max(
            measured[f"{e.run} {e.id}"] for e in right
        )


def test_co_training_trains_both_seats_on_their_own_rows() -> None:
    lines, made = play("cotrain")
    assert {"round-1/policy", "round-1/critic", "round-2/policy", "round-2/critic"} <= set(made)
    policy, critic = rows("round-1/corpus", "dialogue"), rows("round-1/critic-corpus", "critic")
    assert {row["id"].partition("/")[2] for row in policy} == {"policy"}
    assert all(row["outcome"] == "solved" for row in policy)
    learned = {
        message["content"] for row in critic for message in row["messages"] if message["role"] == "assistant"
    }
    assert any(text.startswith("backtrack 0") for text in learned)
    assert "terminate solved" in learned
    assert (skill("round-2/policy"), skill("round-2/critic")) == (4, 4)  # each goes on from its last
    assert lines[2].figures.model == "round-2/policy + round-2/critic"


def test_one_model_may_learn_both_seats() -> None:
    _, made = play("cotrain", critic=None, start="base")
    assert not [stage for stage in made if "critic" in stage]
    assert skill("round-2/policy") == 2
    assert {row["id"].partition("/")[2] for row in rows("round-1/corpus", "dialogue")} == {"policy", "critic"}


def test_iterated_dpo_samples_from_the_model_that_it_aligns() -> None:
    lines, _ = play("dpo")
    assert (skill("round-1/model"), skill("round-2/model")) == (2, 4)
    for number in (1, 2):
        pairs = rows(f"round-{number}/pairs", "preference")
        assert {row["outcome"] for row in pairs} == {"solved>wrong"}
        assert all("</think>" in row[side][0]["content"] for row in pairs for side in ("chosen", "rejected"))
        assert lines[number].figures.rows == len(pairs)
    assert lines[2].accuracy is not None
    assert lines[2].gained == lines[2].accuracy - (lines[0].accuracy or 0)


def test_a_round_that_solves_nothing_ends_the_loop_with_a_line() -> None:
    loop_models.write_learner(Path("base"), {"skill": -9})
    with pytest.raises(
        RunError, match=r"round-1/answers: no problem was solved, so there is nothing to learn"
    ):
        play("star", rationalise=False)


# --- what is refused, before anything is asked ------------------------------------------------------------------


def refused(loop: str, **changes: Any) -> str:
    asked: list[str] = []
    loop_models.heard.append(asked.append)
    with pytest.raises(UsageError) as error:
        play(loop, **changes)
    assert not asked
    return str(error.value)


def test_problems_that_are_held_out_are_not_learned_from() -> None:
    said = refused("star", evaluation={"scenario": "sums.yaml", "limit": 3, **loop_models.WHOLE})
    assert "3 of its problems are held out" in said
    said = refused("explore", evaluation={"scenario": "seeds.yaml", **loop_models.WHOLE})
    assert "seeds.yaml: 4 of its problems are held out" in said


def test_held_out_problems_are_known_wherever_they_come_from() -> None:
    held = load_problems(Asked(scenario="countdown", limit=3), How())
    same = [{"question": f" {each.question.upper()}", "answer": each.gold} for each in held.problems]
    Path("same.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in same))
    loop_models.written("star")
    other = load_problems(Asked(scenario="sums.yaml", set=("dataset.path=same.jsonl",)), How())
    for learned, kept in ((other, held), (held, other)):
        with pytest.raises(UsageError, match="3 of its problems are held out"):
            check_unseen(learned.problems, "s", kept)


def tried(question: str, answer: str, *, right: bool) -> Transcript:
    """A try at a question whose id others have, too."""
    return Transcript(
        run="r",
        protocol="monologue",
        number=0,
        problem=Problem(id="sums-1", question=question, gold=answer),
        thoughts=(Thought(id=1, parent=0, kind="conclusion", text=f"Answer: {answer}", answer=answer),),
        judgements=(Judgement(thought=1, decision=Terminate(reason="solved", answer=answer)),),
        outcome=Outcome(kind="solved" if right else "wrong", answer=answer),
        turns=1,
    )


def test_of_seeds_that_share_an_id_all_are_looked_at() -> None:
    loop_models.written("explore")
    write_transcripts(
        Path("mine.jsonl"),
        [tried("What is 21+22?", "43", right=True), tried("What is 5+6?", "11", right=True)],
    )
    told = refused("explore", seeds={"transcripts": "mine.jsonl"})
    assert "mine.jsonl: 1 of its problems are held out" in told


def test_a_right_and_a_wrong_try_at_two_questions_that_share_an_id_are_no_pair() -> None:
    tries = [tried("What is 5+6?", "11", right=True), tried("What is 7+8?", "1", right=False)]
    write_transcripts(Path("two.jsonl"), tries)
    assert not has_pairs(Path("two.jsonl"))
    write_transcripts(Path("one.jsonl"), [*tries, tried("What is 7+8?", "15", right=True)])
    assert has_pairs(Path("one.jsonl"))


def test_problems_that_the_base_was_trained_on_are_not_held_out() -> None:
    loop_models.write_learner(Path("base"), {"skill": 0})
    Path("corpus/journey").mkdir(parents=True)
    row = {"id": "a", "problem": "p", "messages": [{"role": "user", "content": "What is 21+22?"}]}
    Path("corpus/journey/train.jsonl").write_bytes(orjson.dumps(row))
    settings = {"model": "gpt", "corpora": [{"path": str(Path("corpus").absolute()), "kind": "journey"}]}
    Path("base/training.json").write_bytes(orjson.dumps({"settings": settings}))
    said = refused("star")
    assert "base: 1 of the problems held out were trained on" in said
    assert "held-2 among them" in said


def test_a_trained_model_has_no_adapter_of_the_one_before() -> None:
    loop_models.written("star")
    served = "models.learner={engine: vllm, model: base, lora: adapter}"
    loaded = seated(load_scenario("sums.yaml", [served]), {"policy": ("/round-1/model", "round-1/model")})
    trained = loaded.scenario.models["loop-policy"]
    assert (trained.model, trained.lora) == ("/round-1/model", None)
    assert loaded.scenario.models["learner"].lora == "adapter"  # the critic stays who it is


def test_what_cannot_be_trained_is_refused() -> None:
    assert "sft: learning_rat" in refused("star", sft={"learning_rat": 1})
    assert "model is for the loop to fill in" in refused("star", sft={"model": "other"})
    assert "report_to: wandb is not installed" in refused("star", sft={"report_to": "wandb"})
    leaks = {"phases": [{"corpora": [{"path": "held-out", "kind": "journey"}]}, {}]}
    assert "corpora is for the loop to fill in" in refused("star", sft=leaks)
    assert "no kind 'novel'" in refused("star", rows=[{"kind": "novel"}])
    assert "rejection.n" in refused("star", rows=[{"kind": "rejection", "options": {"n": 0}}])
    assert "there is no 'novel'" in refused("star", filters={"novel": {}})
    said = refused("cotrain", problems={"scenario": "sums.yaml", **loop_models.WHOLE})
    assert "a long-thought asks no critic; add protocol=debate to problems.set" in said
    assert "either 'transcripts' or a scenario" in refused("explore", seeds={})
    told = ['models.learner={engine: openai, model: m, base_url: "http://127.0.0.1:9/v1"}']
    said = refused("star", problems={"scenario": "sums.yaml", "set": told})
    assert "engine openai cannot be given the weights" in said
    said = refused("star", evaluation={"scenario": "held.yaml", "set": told})
    assert "held.yaml: models.learner: engine openai" in said
    agent = ["seats.policy={agent: countdown-searcher}"]
    assert "name a model" in refused("star", problems={"scenario": "sums.yaml", "set": agent})
    assert not Path("out").exists()


def test_another_loops_directory_is_refused_with_the_difference() -> None:
    play("dpo", rounds=1)
    assert "settings.samples: 6 → 4" in refused("dpo", samples=4)
    assert 'loop: "dpo" → "star"' in refused("star")
    # More rounds are the same loop.
    _, made = play("dpo", rounds=2)
    assert made
    assert all(stage.startswith("round-2/") for stage in made)
    Path("other").mkdir()
    Path("other/thesis.tex").write_text("thesis")
    assert "holds no loop" in refused("dpo", out="other")


def test_changed_prompts_are_another_loop() -> None:
    Path("mine").mkdir()
    for part in ("ask", "quote"):
        text = (files("longthought.agents.prompts") / f"default.{part}.md").read_text()
        Path(f"mine/{part}.md").write_text(text)
    problems = {"scenario": "sums.yaml", "set": [*loop_models.WHOLE["set"], "prompts=mine"]}
    play("star", rounds=1, problems=problems)
    file = Path("out/loop.json")
    before = orjson.loads(file.read_bytes())
    Path("mine/ask.md").write_text("Quite another one: {{ question }}")
    assert "prompts.problems.ask: " in refused("star", problems=problems)
    # A loop from before prompts were noted is still gone on with.
    del before["identity"]["prompts"]
    file.write_bytes(orjson.dumps(before))
    assert play("star", rounds=1, problems=problems)[1] == []


def test_another_critic_is_another_loop() -> None:
    Path("judge").mkdir()
    weights = Path("judge/model.safetensors")
    weights.write_text("first")
    other = "models.other={engine: 'tests.train.loop_models:Learner', model: judge}"
    problems = {"scenario": "sums.yaml", "set": [other, "seats.critic.model=other"]}
    play("star", rounds=1, problems=problems, rationalise=False, evaluation=None)
    weights.write_text("trained since")
    assert "models.problems.other.model: " in refused(
        "star", problems=problems, rationalise=False, evaluation=None
    )


def test_a_changed_stage_is_noticed() -> None:
    play("dpo")
    state = orjson.loads(Path("out/loop.json").read_bytes())
    state["stages"]["round-1/answers"]["digest"] = "0" * 64
    Path("out/loop.json").write_bytes(orjson.dumps(state))
    assert re.search(r"round-1/pairs: was made from something else \(source: .* → .0000", refused("dpo"))


def test_a_whole_loop_is_not_done_again() -> None:
    lines, _ = play("star")
    asked: list[str] = []
    loop_models.heard.append(asked.append)
    again, made = play("star")
    assert (again, made, asked) == (lines, [], [])


@pytest.mark.parametrize("name", list(LOOPS))
def test_the_settings_that_are_shipped_are_valid(name: str) -> None:
    schema = LOOPS[name].settings
    told = load_settings(
        str(files("longthought.train.loops") / f"{name}.yaml"), schema=schema
    ).model_fields_set
    shared = load_settings(
        str(files("longthought.train.loops") / "star.yaml"), schema=LOOPS["star"].settings
    ).model_fields_set
    assert schema.model_fields.keys() == told | (shared & schema.model_fields.keys())


# --- kills ------------------------------------------------------------------------------------------------------


def kills(where: Path, *events: int) -> dict[str, int]:
    """SIGKILL between and inside stages, so many times of each loop; see ``loop_kills``."""
    command = [sys.executable, "-m", "tests.train.loop_kills", ",".join(loop_models.LOOPS), *map(str, events)]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        command, cwd=where, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return {loop: int(number) for loop, number in re.findall(r"(\w+): (\d+) kills", done.stdout)}


@pytest.mark.timeout(600)
def test_killed_loops_end_as_if_they_had_not_been(tmp_path: Path) -> None:
    assert kills(tmp_path, random.randrange(20, 250)) == dict.fromkeys(loop_models.LOOPS, 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_anywhere_loops_end_as_if_they_had_not_been(tmp_path: Path) -> None:
    done = kills(tmp_path, 1, 5)
    assert done.keys() == loop_models.LOOPS.keys()
    assert min(done.values()) >= 40, done


# --- with real trainings ----------------------------------------------------------------------------------------

SFT = {
    "learning_rate": 1e-3,
    "batch": 2,
    "max_steps": 2,
    "threads": 1,
    "device": "cpu",
    "bf16": False,
    "max_length": 1024,
}


def real(**changes: Any) -> LoopSettings:
    """Imitate scripted debates and explore, with a tiny model that is really trained and really asked."""
    told = [
        "dataset.split=train",
        "dataset.seed=3",
        "dataset.size=2",
        "seats.policy.max_tokens=12",
        "rewards={}",
        "protocol=long-thought",
    ]
    settings = {
        "model": {"config": {**CONFIG, "max_position_embeddings": 1024}, "tokenizer": {"vocab_size": 300}},
        "seeds": {"asked": {"scenario": "countdown-teacher", "limit": 4}},
        "problems": {"scenario": "countdown", "set": told},
        "evaluation": {"scenario": "countdown", "set": ["dataset.size=2", *told[3:]]},
        "rounds": 1,
        "sft": SFT,
        **changes,
    }
    Path("real.yaml").write_text(yaml.safe_dump(settings))
    return ExploreSettings.model_validate(settings)


@pytest.mark.timeout(600)
def test_a_training_that_was_killed_is_made_again_and_is_the_same() -> None:
    out, how = Path("out"), How(max_connections=1)
    play_loop("explore", real(), out, how, lambda stage, there: None)
    straight = final_hashes(out)
    assert any(name.endswith("model.safetensors") for name in straight)
    state = orjson.loads((out / "loop.json").read_bytes())
    done = list(state["stages"])
    kept = {name: state["stages"][name] for name in done[: done.index("round-0/model")]}
    (out / "loop.json").write_bytes(orjson.dumps({**state, "stages": kept}))
    (out / "round-0/model").rename(out / "round-0/.model.partial")
    (out / "round-0/.model.partial/model.safetensors").write_bytes(b"half")
    made: list[str] = []
    play_loop("explore", real(), out, how, lambda stage, there: made.append(stage))
    assert "round-0/model" in made
    assert final_hashes(out) == straight


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kill_9_at_random_moments_of_a_real_loop(tmp_path: Path) -> None:
    real()
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])

    def started(out: str) -> subprocess.Popen[bytes]:
        command = "from longthought.scenarios.cli import main; main()"
        arguments = ["loop", "explore", "--config", "real.yaml", "--out", out, "--max-connections", "1"]
        return subprocess.Popen(
            [sys.executable, "-c", command, *arguments],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    began = time.monotonic()
    assert started("straight").wait() == 0
    took = time.monotonic() - began
    for _ in range(5):
        half = started("killed")
        time.sleep(random.uniform(0.3, 0.9) * took)
        half.send_signal(signal.SIGKILL)
        half.wait()
    assert started("killed").wait() == 0
    assert final_hashes(Path("killed")) == final_hashes(Path("straight"))


def test_a_training_that_cannot_begin_is_mended_and_what_was_asked_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = loop_models.train

    def too_long(settings: Any) -> None:
        if settings.max_length < 4096:
            raise UsageError("a row is too long; raise max_length")
        train(settings)

    monkeypatch.setattr(loop_models, "train", too_long)
    with pytest.raises(UsageError, match="raise max_length"):
        play("star")
    heard: list[str] = []
    loop_models.heard.append(heard.append)
    play("star", sft={"max_length": 4096})
    assert "asked" not in heard[: heard.index("training begins")]
    # With a training done, they are what it was done with.
    with pytest.raises(UsageError, match=r"round-1/model: .*settings"):
        play("star", sft={"max_length": 8192})
