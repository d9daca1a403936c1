"""Every kind of row, in every form that its options give it, trains in the trainers that it is for.

The rows are exported from scripted debates, all forms of a kind as kinds of one corpus. One optimiser step on the
embedded model takes two rows of each form together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import orjson
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from longthought.agents.models.embedded import embedded_path
from longthought.agents.readings import Reading
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.corpus.export import export
from longthought.synth.corpus.manifest import Manifest
from longthought.synth.derive.kinds import KINDS
from longthought.train.dpo import run_dpo
from longthought.train.reward_model import run_orm, run_prm
from longthought.train.settings import CriticSettings, DpoSettings, OrmSettings, PrmSettings, SftSettings
from longthought.train.sft import run_sft
from tests.synth.scripted_runs import DETOURS, Script, play_run

#: ``trl …`` is TRL's own trainer, anything else a ``longthought train`` command.
TRAINERS: dict[str, tuple[str, ...]] = {
    "shortcut": ("sft", "trl SFT"),
    "journey": ("sft", "trl SFT"),
    "answer_only": ("sft", "trl SFT"),
    "rejection": ("sft", "trl SFT"),
    "splice": ("sft", "trl SFT"),
    "dialogue": ("sft", "trl SFT"),
    "critic": ("critic", "sft", "trl SFT"),
    "critique": ("sft", "trl SFT"),
    "preference": ("dpo", "trl DPO", "trl Reward", "trl KTO"),
    "step_preference": ("dpo", "trl DPO", "trl Reward", "trl KTO"),
    "kto": ("trl KTO",),
    "step_labels": ("prm", "orm"),
    "outcome_labels": ("orm",),
}

#: Options that others do not go without; ``values`` stands for the file of perplexities.
NEEDED: dict[tuple[str, str, object], dict[str, object]] = {
    ("preference", "by", "perplexity"): {"perplexities": "values"},
    ("rejection", "pick", "low_perplexity"): {"perplexities": "values"},
    ("rejection", "pick", "high_perplexity"): {"perplexities": "values"},
    ("step_preference", "by", "reading"): {"reward": "rule"},
}

#: Rows of each form in a step.
LIMIT = 2

#: Forms that scripted debates have no rows of: a shortcut has no turn of mind, unless its problem is ill-posed.
EMPTY = {"shortcut-mask-recovery-only", "shortcut-mask-critic-only"}

SCRIPTS = [
    DETOURS,
    Script(["2+2 is 5", "2*2 is 5", "answer: 5"], ["backtrack 0: no sum", "continue", "terminate solved"]),
    Script(["2 and 2", "answer: 4"], ["continue", "terminate solved"]),
    Script(["2-2 is 4", "answer: 3"], ["continue", "terminate solved"]),
]


def forms(kind: str, values: str) -> Iterator[tuple[str, dict[str, object]]]:
    """A kind as it comes, and once for each other value of an option that is a choice."""
    fields = KINDS[kind].model_fields
    # The embedded model's own prompts, which are short.
    always: dict[str, object] = {"prompts": "terse"} if "prompts" in fields else {}
    yield kind, always
    for option, field in fields.items():
        choices = (True, False) if field.annotation is bool else ()
        if get_origin(field.annotation) is Literal:
            choices = get_args(field.annotation)
        for choice in choices:
            if choice != field.default:
                needed = NEEDED.get((kind, option, choice), {})
                filled = {key: values if value == "values" else value for key, value in needed.items()}
                yield f"{kind}-{option}-{choice}", {**always, option: choice, **filled}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """All forms of all kinds, from debates in which a reward read every thought."""
    place = tmp_path_factory.mktemp("kinds")
    scripts = [Script(script.steps, script.verdicts, epoch=epoch) for epoch, script in enumerate(SCRIPTS)]
    play_run(place / "run", scripts)
    source, values = place / "debates.jsonl", place / "values.jsonl"
    debates = [with_readings(debate) for debate in read_transcripts(place / "run")]
    source.write_text("".join(f"{debate.model_dump_json(exclude_none=True)}\n" for debate in debates))
    lines = [{"id": debate.id, "journey": 2.0 + debate.epoch} for debate in debates]
    values.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    asked: list[str] = []
    options: dict[str, dict[str, object]] = {}
    for kind in KINDS:
        for name, chosen in forms(kind, str(values)):
            asked.append(f"{name}={kind}")
            options[name] = chosen
    return place / "corpus", export(source, place / "corpus", asked, ["jsonl"], options=options)


def with_readings(debate: Transcript) -> Transcript:
    judgements = tuple(
        judgement.model_copy(
            update={"readings": (Reading(reward="rule", value=1 / (1 + judgement.thought)),)}
        )
        for judgement in debate.judgements
    )
    return debate.model_copy(update={"judgements": judgements})


def test_every_kind_is_listed_with_the_trainers_it_is_for() -> None:
    assert TRAINERS.keys() == KINDS.keys()
    assert all(TRAINERS.values())


def test_every_form_of_every_kind_has_rows(corpus: tuple[Path, Manifest]) -> None:
    _, manifest = corpus
    assert {name for name, counts in manifest.kinds.items() if not counts.rows} == EMPTY


@pytest.mark.parametrize(
    ("kind", "trainer"), [(kind, trainer) for kind, trainers in TRAINERS.items() for trainer in trainers]
)
def test_one_step_changes_the_model(
    corpus: tuple[Path, Manifest], kind: str, trainer: str, tmp_path: Path
) -> None:
    directory, manifest = corpus
    names = [name for name, counts in manifest.kinds.items() if counts.kind == kind and counts.rows]
    loss, changed = (
        trls_own(trainer.removeprefix("trl "), rows_of(directory, names), tmp_path)
        if trainer.startswith("trl ")
        else ours(trainer, directory, names, tmp_path)
    )
    assert math.isfinite(loss)
    assert changed


def rows_of(directory: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        orjson.loads(line)
        for name in names
        for line in (directory / name / "train.jsonl").read_bytes().splitlines()[:LIMIT]
    ]


def ours(trainer: str, directory: Path, names: Sequence[str], place: Path) -> tuple[float, bool]:
    """Loss of one step of ``longthought train``, and whether the weights changed."""
    runs: dict[str, tuple[Any, Any]] = {
        "sft": (run_sft, SftSettings),
        "critic": (run_sft, CriticSettings),
        "dpo": (run_dpo, DpoSettings),
        "prm": (run_prm, PrmSettings),
        "orm": (run_orm, OrmSettings),
    }
    run, schema = runs[trainer]
    settings = {
        "model": "embedded",
        "corpora": [{"path": str(directory), "kind": name, "limit": LIMIT} for name in names],
        "out": str(place / "model"),
        "batch": 256,
        "max_steps": 1,
        "learning_rate": 1e-3,
        "warmup": 0,
        "scheduler": "constant",
        "log_steps": 1,
        "threads": 1,
        "device": "cpu",
        "bf16": False,
    }
    made = run(schema.model_validate(settings))
    loss = orjson.loads((made / "training.json").read_bytes())["final_loss"]
    # A reward model's head is new; its body is the embedded model's.
    loader: Any = AutoModelForTokenClassification if trainer in ("prm", "orm") else AutoModelForCausalLM
    return loss, differs(embedded().model.state_dict(), loader.from_pretrained(made).model.state_dict())


def trls_own(trainer: str, rows: list[dict[str, Any]], place: Path) -> tuple[float, bool]:
    """Loss of one step of TRL's own trainer on the rows as they are, and whether the weights changed."""
    library: Any = import_module("trl")
    datasets: Any = import_module("datasets")
    tokenizers: Any = AutoTokenizer
    classifiers: Any = AutoModelForSequenceClassification
    tokenizer = tokenizers.from_pretrained(embedded_path("lm"))
    model = (
        classifiers.from_pretrained(embedded_path("lm"), num_labels=1) if trainer == "Reward" else embedded()
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    options: dict[str, Any] = {"SFT": {"assistant_only_loss": True}}.get(trainer, {})
    arguments = getattr(library, f"{trainer}Config")(
        output_dir=str(place),
        max_steps=1,
        per_device_train_batch_size=32,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        use_cpu=True,
        bf16=False,
        max_length=None,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **options,
    )
    made = getattr(library, f"{trainer}Trainer")(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    loss = made.train().training_loss
    return loss, differs(before, made.model.state_dict())


def embedded() -> Any:
    loader: Any = AutoModelForCausalLM
    return loader.from_pretrained(embedded_path("lm"))


def differs(before: dict[str, Any], after: dict[str, Any]) -> bool:
    assert before.keys() == after.keys()
    return any(not torch.equal(before[name], after[name]) for name in before)
