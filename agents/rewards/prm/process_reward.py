"""A learned process reward model as a reward: any convention, in process or over HTTP, and a score for whole paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path as Directory
from typing import Any, Literal, Protocol, get_args

from longthought.agents.errors import UsageError
from longthought.agents.models.local_weights import (
    Device,
    Dtype,
    check_model_source,
    local_directory,
    weights_digest,
)
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.prm.conventions import convention_of
from longthought.agents.thoughts import Path

#: What a whole path scores, of its steps' probabilities. Let's Verify Step by Step (Lightman et al. 2023, arXiv
#: 2305.20050, §2.6) takes the product; Math-Shepherd the minimum; Snell et al. (2024, arXiv 2408.03314) the last step.
Score = Literal["product", "min", "last", "mean"]


class _Prm(Protocol):
    async def probabilities(self, question: str, steps: list[str]) -> list[float]: ...

    async def close(self) -> None: ...


class ProcessRewardModel(Reward):
    """The probability that each step is right, as a learned model says it.

    ``read`` scores the path as a whole, ``read_steps`` each of its steps.

    Args:
        model: directory or hub name; None or ``embedded`` is the shipped step scorer. With ``base_url`` the name the
            server knows it by.
        convention: how it is asked: ``longthought``, ``math-shepherd``, ``qwen``, ``skywork``, or one spelled out.
        score: what a whole path scores.
        device: ``auto`` is the first GPU if there is one.
        dtype: the weights' type; ``auto`` is their own, on a CPU float32.
        max_batch: tokens in one forward pass; a prefix that paths share counts once.
        base_url: a vLLM server's address; it is asked in place of weights in this process.
        tokenizer: with ``base_url``: directory or hub name of the model's tokenizer; ``model`` unless given.
        api_key: with ``base_url``: sent as a bearer token, and kept out of error texts.

    Raises:
        UsageError: options that do not go together, or no such weights.
    """

    name = "prm"

    def __init__(
        self,
        model: str | Directory | None = None,
        convention: str | Mapping[str, Any] = "longthought",
        score: Score = "last",
        *,
        device: Device = "auto",
        dtype: Dtype = "auto",
        max_batch: int = 2048,
        base_url: str | None = None,
        tokenizer: str | Directory | None = None,
        api_key: str | None = None,
    ) -> None:
        self._score: Score = score
        if score not in get_args(Score):
            raise UsageError(f"score: {score!r} is none of {', '.join(get_args(Score))}")
        if max_batch < 1:
            raise UsageError("max_batch: at least one token goes into a pass")
        self._convention = convention_of(convention)
        self._served = base_url is not None
        if base_url is None:
            if tokenizer is not None or api_key is not None:
                raise UsageError("tokenizer and api_key_env are for a server; give its base_url")
            from longthought.agents.rewards.prm.in_process import InProcessPrm

            self._model = _weights(model)
            self._prm: _Prm = InProcessPrm(
                self._model, self._convention, device=device, dtype=dtype, max_batch=max_batch
            )
        else:
            from longthought.agents.rewards.prm.pooling_server import PoolingServerPrm

            if model is None:
                raise UsageError("model: give the name that the server knows the model by")
            self._model = str(model)
            self._prm = PoolingServerPrm(
                base_url,
                self._model,
                check_tokenizer(tokenizer or model),
                self._convention,
                api_key,
                seconds=lambda: self.timeout,
            )

    async def read(self, path: Path) -> Reading:
        if not path.thoughts:
            return Reading(reward=self.name, why="there is no step to read")
        return Reading(reward=self.name, value=scored(self._score, await self.read_all(path)))

    async def read_steps(self, path: Path) -> list[Reading]:
        return [Reading(reward=self.name, value=value) for value in await self.read_all(path)]

    async def read_all(self, path: Path) -> list[float]:
        """The probability of every step on the path that it is right.

        Raises:
            RewardError: the path is longer than the model reads, or the model cannot be had.
        """
        if not path.thoughts:
            return []
        return await self._prm.probabilities(path.problem.question, [each.text for each in path.thoughts])

    def identity(self) -> dict[str, Any]:
        told: dict[str, Any] = {"reward": self.name, "score": self._score}
        told["convention"] = self._convention.model_dump(mode="json")
        if self._served:  # what weights a server has, only its name tells
            return {**told, "model": self._model}
        return {**told, "weights": weights_digest(local_directory(self._model))}

    async def close(self) -> None:
        await self._prm.close()


def scored(score: Score, probabilities: list[float]) -> float:
    """One value for a path of at least one step."""
    match score:
        case "product":
            return math.prod(probabilities)
        case "min":
            return min(probabilities)
        case "last":
            return probabilities[-1]
        case "mean":
            return math.fsum(probabilities) / len(probabilities)


def _weights(model: str | Directory | None) -> str:
    if model is None or model == "embedded":
        from longthought.agents.models.embedded import embedded_path

        return str(embedded_path("step_scorer"))
    return check_model_source(model)


def check_tokenizer(source: str | Directory) -> str:
    """The directory or hub name of a tokenizer.

    Raises:
        UsageError: a directory without one.
    """
    place = Directory(source).expanduser()
    if place.is_dir() and not (place / "tokenizer_config.json").is_file():
        raise UsageError(f"no tokenizer at {place}: tokenizer_config.json is missing")
    return str(place if place.is_dir() else source)
