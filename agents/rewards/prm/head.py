"""The head of a process reward model: a few linear layers, taken from its safetensors by their names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError
from longthought.agents.rewards.prm.conventions import Convention
from longthought.agents.rewards.prm.layout import last_token

#: Where the vocabulary's rows lie if input and output share them.
_TIED = {"lm_head": "model.embed_tokens"}


@dataclass(frozen=True, slots=True)
class Head:
    """Weights and biases of the layers, in float32 whatever the model's type."""

    layers: tuple[tuple[Any, Any | None], ...]
    right: int

    def probabilities(self, hidden: Any) -> Any:
        """From hidden states of shape (n, hidden size) to n probabilities that the step is right, in float32."""
        import torch

        outputs = hidden.float()
        for number, (weight, bias) in enumerate(self.layers):
            outputs = torch.nn.functional.linear(torch.relu(outputs) if number else outputs, weight, bias)
        if outputs.shape[-1] == 1:
            return torch.sigmoid(outputs[:, 0])
        return torch.softmax(outputs, dim=-1)[:, self.right]


def check_head(directory: Path, convention: Convention) -> None:
    """See, without loading anything, that the weights have the convention's head.

    Raises:
        UsageError: they have not.
    """
    shapes = {
        name: shape for file in sorted(directory.glob("*.safetensors")) for name, shape in _header(file)
    }
    found = [_stored(name, shapes) for name in convention.head]
    lacking = [layer for layer, stored in zip(convention.head, found, strict=True) if stored is None]
    if lacking:
        raise UsageError(
            f"{directory} has no {lacking[0]}.weight, which the convention {convention.name} reads; "
            "name the convention of these weights"
        )
    outputs = 2 if convention.words else shapes[f"{found[-1]}.weight"][0]
    if outputs not in (1, 2):
        raise UsageError(f"{directory} has {outputs} labels at {convention.head[-1]}; a PRM has 1 or 2")


def load_head(directory: Path, convention: Convention, tokenizer: Any, device: Any) -> Head:
    """The head of weights that ``check_head`` has seen."""
    from safetensors import safe_open

    where = {name: file for file in sorted(directory.glob("*.safetensors")) for name, _ in _header(file)}

    def tensor(name: str) -> Any | None:
        if name not in where:
            return None
        open_file: Any = safe_open
        with open_file(where[name], framework="pt") as file:
            return file.get_tensor(name)

    layers: list[tuple[Any, Any | None]] = []
    for layer in convention.head:
        stored = _stored(layer, where)
        layers.append((tensor(f"{stored}.weight"), tensor(f"{stored}.bias")))
    if convention.words:
        rows = [last_token(tokenizer, word) for word in convention.words]
        weight, bias = layers[-1]
        layers[-1] = weight[rows], None if bias is None else bias[rows]
    ready = tuple(
        (weight.to(device).float(), None if bias is None else bias.to(device).float())
        for weight, bias in layers
    )
    return Head(ready, convention.right)


def _stored(layer: str, names: dict[str, Any]) -> str | None:
    """What the weights call the layer; None if they have none."""
    return next((name for name in (layer, _TIED.get(layer)) if f"{name}.weight" in names), None)


def _header(file: Path) -> Iterator[tuple[str, list[int]]]:
    """Names and shapes of the tensors: a safetensors file begins with the length of its JSON header, then has it."""
    with file.open("rb") as read:
        header: dict[str, Any] = json.loads(read.read(int.from_bytes(read.read(8), "little")))
    for name, told in header.items():
        if name != "__metadata__":
            yield name, told["shape"]
