"""Settings of the trainers: a YAML file plus ``a.b=c`` overrides, checked before heavy imports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, cast, overload

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.errors import UsageError

Scheduler = Literal["cosine", "linear", "constant", "constant_with_warmup", "cosine_with_min_lr"]

#: How much of a moment of Adam's stays from step to step.
Beta = Annotated[float, Field(ge=0, lt=1)]

#: What a training does where an earlier one left checkpoints.
Earlier = Literal["refuse", "resume", "set-aside"]

#: Who else is told the course of a training; the packages carry the same names.
Reporter = Literal["trackio", "tensorboard", "wandb"]


def _listed(given: object) -> object:
    """``none``, one name, or names with commas between them, as a list."""
    if isinstance(given, str):
        return [name for part in given.split(",") if (name := part.strip()) and name != "none"]
    return [] if given is None else given


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CorpusSettings(_Settings):
    """A corpus directory and how much of it: rows of ``kind``, the first ``limit``, each ``weight`` times."""

    path: Path
    kind: str
    limit: int | None = Field(default=None, ge=1)
    weight: float = Field(default=1.0, gt=0)


class TokenizerSettings(_Settings):
    """A tokenizer of ``vocab_size`` tokens, learned from the first ``rows`` rows of each corpus."""

    vocab_size: int = Field(default=512, ge=258)
    rows: int = Field(default=20_000, ge=1)
    #: Of a number that a token may hold: 1 as in Qwen's, or 3 as in Llama 3's.
    digits: Literal[1, 2, 3] = 1
    #: Those that it is learned from, where they are not those that the model is trained on: what later trainings teach
    #: then has its words in it, too.
    corpora: list[CorpusSettings] = []


class FromScratch(_Settings):
    """A model that starts from random weights: fields of transformers' ``LlamaConfig``, and its tokenizer."""

    config: dict[str, Any]
    tokenizer: TokenizerSettings = TokenizerSettings()


class LoraSettings(_Settings):
    """Low-rank adapters instead of all weights; merged into the model when it is saved."""

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: str | list[str] = "all-linear"


class TrainSettings(_Settings):
    """What all trainers share. Names are transformers' where it has one.

    ``batch`` counts sequences, ``max_length`` tokens; ``warmup`` below 1 is a share of the steps, else steps.
    ``max_steps`` takes the place of ``epochs`` where it is given, as in transformers.
    ``bf16: auto`` computes in bfloat16 where the device has instructions for it; weights stay float32.
    """

    model: str | FromScratch
    corpora: Annotated[list[CorpusSettings], Field(min_length=1)]
    out: Path
    #: Replace what ``out`` holds.
    overwrite: bool = False
    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    learning_rate: float = Field(default=2e-5, gt=0)
    scheduler: Scheduler = "cosine"
    #: The share of ``learning_rate`` that ``cosine_with_min_lr`` ends at; the other schedulers have no such end.
    min_lr_rate: float = Field(default=0.1, ge=0, le=1)
    warmup: float = Field(default=0.03, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    max_grad_norm: float = Field(default=1.0, gt=0)
    batch: int = Field(default=8, ge=1)
    accumulation: int = Field(default=1, ge=1)
    max_length: int = Field(default=2048, ge=8)
    #: A row longer than ``max_length`` is never cut: it is an error, or it is dropped and counted.
    too_long: Literal["error", "drop"] = "error"
    bf16: bool | Literal["auto"] = "auto"
    #: ``auto`` is eager for bfloat16 on the CPU up to a ``max_length`` of 512, else SDPA. Measured: 1.8 times as fast
    #: at 132 tokens, 1.3 at 400, slower at 800.
    attention: Literal["auto", "sdpa", "eager"] = "auto"
    gradient_checkpointing: bool = False
    device: Literal["auto", "cpu"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**32)
    #: CPU threads; none leaves torch's own choice.
    threads: int | None = Field(default=None, ge=1)
    log_steps: int = Field(default=50, ge=1)
    #: Steps between checkpoints, kept in ``<out>-checkpoints``; none saves only the end.
    save_steps: int | None = Field(default=None, ge=1)
    #: ``resume`` goes on from the last of them, ``set-aside`` moves them to ``<out>-checkpoints.1`` and starts again.
    earlier: Earlier = "refuse"
    report_to: Annotated[list[Reporter], BeforeValidator(_listed)] = []
    lora: LoraSettings | None = None

    @property
    def trainer(self) -> str:
        """What `longthought train` calls who trains by these settings."""
        return type(self).__name__.removesuffix("Settings").lower()


def _list(given: object) -> list[Any]:
    """``given`` where it is a list; what else it may be, the field's own check complains of."""
    return cast("list[object]", given) if isinstance(given, list) else []


#: What no phase of a training may change.
_OF_ALL_PHASES = ("model", "out", "overwrite", "seed", "device", "threads")


class SftSettings(TrainSettings):
    """Supervised fine-tuning on messages; only the messages that a row marks as trained count in the loss."""

    #: TRL's own loss, which logs entropy and token accuracy and spares the memory of all logits; ``auto`` leaves
    #: it out for vocabularies of at most 8,192 tokens, which train a tenth faster without.
    token_metrics: bool | Literal["auto"] = "auto"
    #: Lays the rows of a batch end to end instead of padding them; no row sees another, and a step learns the same.
    #: ``auto`` packs on a CPU, or with flash attention on a GPU. Measured: ``python -m benchmarks.train_speed``.
    packing: bool | Literal["auto"] = "auto"
    #: Trainings one after the other, each from the model of the one before; one says what is not as in the keys beside
    #: `phases`, and is read as the whole of its settings. `corpora` then are those of all phases.
    phases: list[Self] = []

    @model_validator(mode="before")
    @classmethod
    def _whole_phases(cls, content: object) -> object:
        if not isinstance(content, dict):
            return content
        whole = cast("dict[str, Any]", content)
        given = _list(whole.get("phases"))
        if not given or not all(isinstance(phase, dict) for phase in given):
            return whole
        own = {key: value for key, value in whole.items() if key != "phases"}
        phases: list[dict[str, Any]] = [{**own, **phase} for phase in given]
        corpora = list[Any]()
        for n, phase in enumerate(phases):
            for key in _OF_ALL_PHASES:
                if phase.get(key) != own.get(key):
                    raise ValueError(f"phases.{n}.{key} is the same for all phases; set {key} beside phases")
            if phase.get("phases"):
                raise ValueError(f"phases.{n}.phases: a phase has none of its own")
            corpora += [corpus for corpus in _list(phase.get("corpora")) if corpus not in corpora]
        return {**own, "corpora": corpora, "phases": phases}


class CriticCorpus(CorpusSettings):
    """Critic rows; other kinds may stand beside them, so that a model which sits in both seats forgets nothing."""

    kind: str = "critic"


class CriticSettings(SftSettings):
    """Supervised fine-tuning of a critic on (path, decision and reason)."""

    corpora: Annotated[list[CriticCorpus], Field(min_length=1)]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]


class DpoSettings(TrainSettings):
    """Direct preference optimisation; ``beta`` is the KL coefficient, ``sft_weight`` that of an SFT term."""

    learning_rate: float = Field(default=1e-6, gt=0)
    beta: float = Field(default=0.1, gt=0)
    sft_weight: float = Field(default=0.0, ge=0)
    loss: Literal["sigmoid", "sigmoid_norm", "ipo", "hinge"] = "sigmoid"
    #: ``thought``: nothing behind the end of a side's thought carries loss.
    part: Literal["whole", "thought"] = "whole"
    #: ``start``: the model that training starts from, beside the one that is trained; ``precomputed``: the same, asked
    #: once beforehand, which needs no second model in memory; ``none``: all answers count as equally likely.
    reference: Literal["start", "precomputed", "none"] = "start"


class KtoSettings(TrainSettings):
    """Kahneman–Tversky optimisation. The weights are those of the losses on good and on bad answers."""

    learning_rate: float = Field(default=1e-6, gt=0)
    #: The KL term is estimated within a batch on the device; of one answer it would be that answer's own reward.
    batch: int = Field(default=8, ge=2)
    beta: float = Field(default=0.1, gt=0)
    desirable_weight: float = Field(default=1.0, ge=0)
    undesirable_weight: float = Field(default=1.0, ge=0)


class ProblemSettings(_Settings):
    """The problems of a scenario, a file or a shipped one, and their scorer; nothing else of it is used.

    ``set`` overrides its keys (``dataset.split=train``); ``limit`` takes the first so many problems.
    """

    scenario: str
    set: list[str] = []
    limit: int | None = Field(default=None, ge=1)
    #: Of the problems themselves, as in a run's manifest; the record has it. Others are refused where it is given.
    digest: str | None = None


class GrpoSettings(TrainSettings):
    """Group relative policy optimisation, in TRL's names; ``batch`` counts solutions."""

    model: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    corpora: list[CorpusSettings] = Field(default=[], max_length=0)
    problems: ProblemSettings
    learning_rate: float = Field(default=1e-6, gt=0)
    #: Solutions of a problem, a group.
    num_generations: int = Field(default=8, ge=2)
    max_completion_length: int = Field(default=512, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    #: Weight of the KL term against the model that training starts from; 0 needs no second model.
    beta: float = Field(default=0.0, ge=0)
    #: How far a token's probability may move before the loss is clipped, and how often a batch is learned.
    epsilon: float = Field(default=0.2, gt=0)
    num_iterations: int = Field(default=1, ge=1)
    loss: Literal["grpo", "dr_grpo", "bnpo", "dapo"] = "grpo"
    #: Added to the reward of what has a whole thought in known tags; right answers give 1.
    format_weight: float = Field(default=0.0, ge=0)
    #: Sample with vLLM: on the training device, or from a server that `trl vllm-serve` runs.
    use_vllm: bool = False
    vllm_mode: Literal["server", "colocate"] = "colocate"
    vllm_server_base_url: str | None = None

    @model_validator(mode="after")
    def _whole_cycles(self) -> Self:
        if self.batch * self.accumulation % self.num_generations:
            raise ValueError(
                f"batch times accumulation, {self.batch * self.accumulation} solutions, must be a multiple of "
                f"num_generations, {self.num_generations}"
            )
        if (self.save_steps or 0) % self.num_iterations:
            raise ValueError(
                f"save_steps, {self.save_steps}, must be a multiple of num_iterations, {self.num_iterations}: a "
                "checkpoint holds no solutions that are yet to be learned again"
            )
        return self


class StepCorpus(CorpusSettings):
    """Labelled solutions: ``step_labels`` of an export, or a file in any format that ``judge`` reads."""

    kind: str = "step_labels"


class RewardModelSettings(TrainSettings):
    """A classifier of solutions; ``model`` is the language model it starts from. All weights are trained."""

    corpora: Annotated[list[StepCorpus], Field(min_length=1)]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    model: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    lora: None = None  # pyright: ignore[reportIncompatibleVariableOverride]
    learning_rate: float = Field(default=1e-4, gt=0)


class PrmSettings(RewardModelSettings):
    """A process reward model: whether each step is right."""

    #: What a neutral label of PRM800K counts as; ``skip`` leaves it out of the loss.
    neutral: Literal["right", "wrong", "skip"] = "right"
    #: What follows the first wrong step is cut off, or kept if it is labelled.
    after_first_error: Literal["drop", "keep"] = "drop"


class OrmSettings(RewardModelSettings):
    """An outcome reward model: whether the whole solution is right."""


AnySettings = TypeVar("AnySettings", bound=BaseModel)


@overload
def load_settings(path: str | Path, overrides: Sequence[str] = ()) -> SftSettings: ...
@overload
def load_settings(
    path: str | Path, overrides: Sequence[str] = (), *, schema: type[AnySettings]
) -> AnySettings: ...
def load_settings(
    path: str | Path, overrides: Sequence[str] = (), *, schema: type[BaseModel] = SftSettings
) -> BaseModel:
    """Read ``path`` (YAML), apply ``overrides`` (``batch=4``, ``model.tokenizer.vocab_size=300``), and check.

    A number in a key's path is a place in a list: ``corpora.0.path=runs/a/corpus``.

    Raises:
        UsageError: no such file, not YAML, or a key that is unknown, missing or has a wrong value; one line
            that names file and key.
    """
    try:
        content: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected keys and values, such as `out: models/mine`")
    for override in overrides:
        _apply(cast("dict[str, Any]", content), override)
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise UsageError(_complaint(error, str(path), overrides, schema)) from error


def _apply(content: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise UsageError(f"override {override!r}: write it as key=value, such as batch=4")
    try:
        value: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"override {override!r}: the value is not YAML") from error
    *parents, last = key.split(".")
    at: Any = content
    for part in parents:
        if isinstance(at, dict):
            at = cast("dict[str, Any]", at).setdefault(part, {})
        else:
            at = _item(cast("object", at), part, override)
    if isinstance(at, dict):
        at[last] = value
    else:
        _item(cast("object", at), last, override)
        at[int(last)] = value


def _item(at: object, part: str, override: str) -> Any:
    items = cast("Sequence[Any]", at if isinstance(at, list) else ())
    if not part.isdecimal() or int(part) >= len(items):
        raise UsageError(f"override {override!r}: there is no {part!r} to set")
    return items[int(part)]


def _complaint(error: ValidationError, path: str, overrides: Sequence[str], schema: type[BaseModel]) -> str:
    """One line that names the place, which may be an override, and where there is no such key those that there are."""
    said = _first_error(error)
    key, _, reason = said.partition(": ")
    given = next((each for each in overrides if each.partition("=")[0] == key), None)
    if reason == "no such key" and "." not in key:
        said += f"{did_you_mean(key, schema.model_fields)}; there are {', '.join(schema.model_fields)}"
    return f"{path if given is None else f'--set {given}'}: {said}"


def _first_error(error: ValidationError) -> str:
    # In a union every branch complains; the one that got deepest is the one that was meant.
    deepest = max(error.errors(include_url=False), key=lambda e: len(e["loc"]))
    names = [
        str(part) for part in deepest["loc"] if not str(part)[:1].isupper() and part not in ("str", "bool")
    ]
    reason = deepest["msg"].removeprefix("Value error, ")
    if deepest["type"] == "extra_forbidden":
        reason = "no such key"
    return f"{'.'.join(names) or 'settings'}: {reason[:1].lower()}{reason[1:]}"
