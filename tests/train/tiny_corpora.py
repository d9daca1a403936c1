"""Small corpora and settings for the trainers' tests, in the layout that ``longthought export`` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

#: Fields of LlamaConfig for a model that trains in milliseconds; 32 is the smallest head that vLLM takes.
CONFIG: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "max_position_embeddings": 512,
}


def write_corpus(path: Path, kind: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Write ``rows`` as a corpus of one kind and return its directory."""
    (path / kind).mkdir(parents=True)
    (path / kind / "train.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (path / "manifest.json").write_bytes(orjson.dumps({"kind": kind, "rows": len(rows)}))
    return path


def sft_rows(n: int) -> list[dict[str, Any]]:
    """Short dialogues with one message that is not to be learned."""
    return [
        {
            "id": f"row-{i}",
            "messages": [
                {"role": "user", "content": f"Reach {i + 9} from {i} and 9.\n\nP"},
                {"role": "assistant", "content": f"{i}*9={i * 9}"},
                {"role": "user", "content": "C"},
                {"role": "assistant", "content": f"backtrack 0 {i * 9} is not {i + 9}"},
                {"role": "user", "content": "P 0"},
                {"role": "assistant", "content": f"{i}+9={i + 9} <|end|> é"},
            ],
            "trained": [False, False, False, True, False, True],
        }
        for i in range(n)
    ]


def preference_rows(n: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"pair-{i}",
            "prompt": [{"role": "user", "content": f"{i}+9?"}],
            "chosen": [{"role": "assistant", "content": f"{i + 9}"}],
            "rejected": [{"role": "assistant", "content": f"no, {i * 9}"}],
        }
        for i in range(n)
    ]


def judged_rows(n: int) -> list[dict[str, Any]]:
    """Answers, every other one of which is bad; those to one question stand side by side."""
    return [
        {
            "id": f"judged-{i}",
            "prompt": [{"role": "user", "content": f"{i // 2}+9?"}],
            "completion": [{"role": "assistant", "content": f"{i // 2 + 9}" if i % 2 else f"no, {i * 9}"}],
            "label": bool(i % 2),
        }
        for i in range(n)
    ]


def step_rows(n: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"steps-{i}",
            "prompt": f"{i}+9?",
            "completions": [f"{i}+9={i + 9}", "0"],
            "labels": [True, False],
        }
        for i in range(n)
    ]


def shared_settings(corpus: Path, kind: str, out: Path) -> dict[str, Any]:
    """Settings for a short run on one thread."""
    return {
        "model": {"config": CONFIG, "tokenizer": {"vocab_size": 300}},
        "corpora": [{"path": str(corpus), "kind": kind}],
        "out": str(out),
        "learning_rate": 1e-2,
        "batch": 4,
        "max_length": 512,
        "threads": 1,
        "device": "cpu",
        "log_steps": 1,
    }
