"""Settings of the learning loops: who is asked what, which rows come of it, how long to train and how often."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from longthought.agents.first_error import first_error
from longthought.train.reporting import check_reporters
from longthought.train.settings import DpoSettings, FromScratch, SftSettings, TrainSettings

#: Keys of a training that the loop fills in.
_FILLED_IN: dict[str, Any] = {"model": "m", "corpora": [{"path": "c", "kind": "k"}], "out": "o"}
#: Options of kinds that go by perplexities, and what they are when they do.
_BY_PERPLEXITY = {"pick": ("low_perplexity", "high_perplexity"), "by": ("perplexity",)}
_WINDOW = ("min_perplexity", "max_perplexity")


def _checked(given: dict[str, Any], schema: type[TrainSettings]) -> dict[str, Any]:
    """Refuses here what the training would refuse after hours."""
    said: object = given.get("phases")
    phases = cast("list[object]", said) if isinstance(said, list) else []
    for part in (given, *phases):
        keys = cast("dict[str, object]", part).keys() if isinstance(part, dict) else ()
        if taken := sorted({*keys} & {*_FILLED_IN, "overwrite", "earlier"}):
            raise ValueError(f"{taken[0]} is for the loop to fill in")
    try:
        settings = schema.model_validate({**given, **_FILLED_IN})
    except ValidationError as error:
        raise ValueError(first_error(error)) from error
    check_reporters(settings.report_to)
    return given


#: Keys of ``train sft`` and of ``train dpo``, apart from those that the loop fills in.
SftKeys = Annotated[dict[str, Any], AfterValidator(lambda given: _checked(given, SftSettings))]
DpoKeys = Annotated[dict[str, Any], AfterValidator(lambda given: _checked(given, DpoSettings))]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Settings):
    """A scenario whose problems are asked, by its own protocol."""

    scenario: str
    #: Overrides, as ``run`` takes them: ``protocol=long-thought`` for whole thoughts.
    set: tuple[str, ...] = ()
    #: At most so many problems.
    limit: int | None = Field(default=None, ge=1)


class Rows(_Settings):
    """A kind of row to train on, with its options."""

    kind: str
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def needs_perplexities(self) -> bool:
        """Its options go by perplexities, and no file with them is named."""
        picked = any(self.options.get(key) in values for key, values in _BY_PERPLEXITY.items())
        window = any(self.options.get(key) for key in _WINDOW)
        return (picked or window) and "perplexities" not in self.options


class LoopSettings(_Settings):
    """What all loops share."""

    #: The base: a directory, a hub name or ``embedded``.
    model: str | FromScratch
    problems: Asked
    #: Held out, and asked of the base and of every round's model.
    evaluation: Asked | None = None
    rounds: int = Field(default=3, ge=1)
    #: Of each problem, in each round.
    samples: int = Field(default=1, ge=1)
    #: Without it what fits the protocol of ``problems``; see the loop.
    rows: tuple[Rows, ...] = ()
    #: What the rows pass, as ``longthought export`` takes them: by name the options of each.
    filters: dict[str, Any] = Field(default_factory=dict)
    sft: SftKeys = Field(default_factory=dict)


class _FromAModel(LoopSettings):
    """A loop that begins by asking its base."""

    model: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]


class StarSettings(_FromAModel):
    """STaR."""

    #: Ask again with the answer as a hint what was not solved; what then is right is kept without the hint.
    rationalise: bool = True
    #: A directory with hint.md of your own (``{{ question }}``, ``{{ answer }}``).
    hints: str | None = None
    #: Each round trains so many times as long as the one before.
    growth: float = Field(default=1.2, ge=1)


class Seeds(_Settings):
    """Where imitation begins: transcripts that are there, or a scenario that is played with the seats it names."""

    transcripts: Path | None = None
    asked: Asked | None = None
    samples: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.transcripts is None) == (self.asked is None):
            raise ValueError("name either 'transcripts' or a scenario under 'asked'")
        return self


class ExploreSettings(LoopSettings):
    """Imitate, explore, self-improve."""

    seeds: Seeds
    #: Where every round's SFT starts: from the base, or from the model of the round before.
    start: Literal["base", "last"] = "base"
    #: ``dpo``: from the second round on, DPO from the first round's model instead of SFT.
    improve: Literal["sft", "dpo"] = "sft"
    pairs: Rows = Rows(kind="preference", options={"by": "perplexity", "part": "thought"})
    dpo: DpoKeys = Field(default_factory=dict)


class CotrainSettings(_FromAModel):
    """Critic–policy co-training. Without ``critic`` one model sits in both seats, and learns both."""

    critic: str | None = None
    #: What the critic learns; without it the verdicts that the tree bears out.
    critic_rows: tuple[Rows, ...] = ()
    start: Literal["base", "last"] = "last"


class IteratedDpoSettings(_FromAModel):
    """Iterated DPO."""

    samples: int = Field(default=8, ge=2)
    sft: dict[str, Any] = Field(default_factory=dict, max_length=0)
    dpo: DpoKeys = Field(default_factory=dict)
