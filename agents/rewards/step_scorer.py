"""The learned step scorer: a token classification head read at the last token of every step (a PRM).

Input is the question and the steps, one per line. Label 1 of the head means that the step is right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path as Directory
from typing import Any

from longthought.agents.errors import RewardError, UsageError
from longthought.agents.models.local_weights import weights_digest
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path

#: Paths scored in one forward pass.
MAX_BATCH = 64


def step_tokens(tokenizer: Any, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
    """The token ids of question and steps, and for every step the index of its last token.

    Question and steps are tokenised one by one, each with a line feed at its end, so that the ends are known;
    special tokens written in their text are split like any other text. Training uses the same function.
    """
    ids: list[int] = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    ends: list[int] = []
    for line in (question.strip(), *(" ".join(step.splitlines()).strip() for step in steps)):
        ids += tokenizer(f"{line}\n", add_special_tokens=False, split_special_tokens=True)["input_ids"]
        ends.append(len(ids) - 1)
    return ids, ends[1:]


class StepScorer(Reward):
    """The probability that the last step is right. Concurrent reads share forward passes in a worker thread.

    Args:
        path: directory of a model with a two-label token classification head; None takes the embedded one.
        device: a torch device.

    Raises:
        UsageError: no weights there.
    """

    name = "step-scorer"

    def __init__(self, path: str | Directory | None = None, device: str = "cpu") -> None:
        if path is None:
            from longthought.agents.models.embedded import embedded_path

            path = embedded_path("step_scorer")
        if not (Directory(path) / "config.json").is_file():
            raise UsageError(f"step scorer: {path} holds no model (config.json is missing)")
        self.path = str(path)
        self._device = device
        self._loaded: tuple[Any, Any] | None = None
        self._waiting: list[tuple[Path, asyncio.Future[list[float]]]] = []
        self._reader: asyncio.Task[None] | None = None

    async def read(self, path: Path) -> Reading:
        if not path.thoughts:
            return Reading(reward=self.name, why="there is no step to read")
        return Reading(reward=self.name, value=(await self.read_all(path))[-1])

    def identity(self) -> dict[str, Any]:
        return {"reward": self.name, "weights": weights_digest(Directory(self.path))}

    async def read_steps(self, path: Path) -> list[Reading]:
        return [Reading(reward=self.name, value=value) for value in await self.read_all(path)]

    async def read_all(self, path: Path) -> list[float]:
        """The probability of every step on the path that it is right.

        Raises:
            RewardError: the path is longer than the model reads.
        """
        if not path.thoughts:
            return []
        future: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self._waiting.append((path, future))
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_waiting())
        return await future

    async def close(self) -> None:
        if self._reader is not None and not self._reader.done():
            await asyncio.wait([self._reader])
        self._loaded = None

    async def _read_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            try:
                results = await asyncio.to_thread(self._forward, [path for path, _ in batch])
            except Exception as error:
                results = [RewardError(f"the step scorer failed: {error}") for _ in batch]
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, RewardError):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _forward(self, paths: list[Path]) -> list[list[float] | RewardError]:
        import torch

        tokenizer, model = self._load()
        rows = [step_tokens(tokenizer, p.problem.question, [t.text for t in p.thoughts]) for p in paths]
        longest = int(model.config.max_position_embeddings)
        fitting = [i for i, (ids, _) in enumerate(rows) if len(ids) <= longest]
        results: list[list[float] | RewardError] = [
            RewardError(f"the path has {len(ids)} tokens, the step scorer reads {longest}") for ids, _ in rows
        ]
        if not fitting:
            return results
        width = max(len(rows[i][0]) for i in fitting)
        ids = torch.zeros((len(fitting), width), dtype=torch.long)
        mask = torch.zeros((len(fitting), width), dtype=torch.long)
        for row, i in enumerate(fitting):
            ids[row, : len(rows[i][0])] = torch.tensor(rows[i][0])
            mask[row, : len(rows[i][0])] = 1
        with torch.inference_mode():
            logits = model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device)).logits
            right = torch.softmax(logits.float(), dim=-1)[..., 1].cpu()
        for row, i in enumerate(fitting):
            # Four digits: how a batch is padded shows in the seventh, and readings should repeat.
            results[i] = [round(float(right[row, end]), 4) for end in rows[i][1]]
        return results

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            transformers = import_module("transformers")
            tokenizer = transformers.AutoTokenizer.from_pretrained(self.path)
            model = transformers.AutoModelForTokenClassification.from_pretrained(
                self.path, use_safetensors=True
            )
            if model.config.num_labels != 2:
                raise RewardError(f"{self.path} has {model.config.num_labels} labels; a step scorer has 2")
            self._loaded = tokenizer, model.to(self._device).eval()
        return self._loaded
