"""The tokenizer of a model: a directory, a hub name, or the embedded model's."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError
from longthought.agents.models.embedded import embedded_path


def tokenizer_of(model: str) -> Any:
    """The tokenizer that a model is used with; ``embedded`` is the model that comes with the package.

    Raises:
        UsageError: it cannot be loaded.
    """
    if model == "embedded":
        return load_tokenizer(str(embedded_path("lm")))
    path = Path(model).expanduser()
    if not path.is_dir() and (model.startswith(("/", ".", "~")) or model.count("/") > 1):
        raise UsageError(f"no tokenizer at {path}: the directory does not exist")
    return load_tokenizer(str(path) if path.is_dir() else model)


def name_of(model: str) -> str:
    """What a manifest calls a model: of a directory its name, so that it is the same wherever it lies."""
    return Path(model).name if Path(model).exists() else model


def digest_of(tokenizer: Any) -> str:
    """What tells a tokenizer from others: its vocabulary, how it cuts text, and its chat template."""
    told = f"{tokenizer.backend_tokenizer.to_str()}\n{tokenizer.chat_template}"
    return blake2b(told.encode(errors="replace"), digest_size=8).hexdigest()


def load_tokenizer(source: str) -> Any:
    """The tokenizer beside a model, which must be able to pad."""
    from transformers import AutoTokenizer

    tokenizer = load_or_explain(AutoTokenizer, source)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_or_explain(loader: Any, source: str, **options: Any) -> Any:
    """``loader.from_pretrained(source)``, without code from a model, and with one line if it fails."""
    with explained(f"model: {source} cannot be loaded"):
        return loader.from_pretrained(source, trust_remote_code=False, **options)


@contextmanager
def explained(what: str) -> Generator[None]:
    """What transformers raises over a model that is none, as one line behind ``what``."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    broken = (OSError, ValueError, TypeError, ArithmeticError, ImportError, LookupError, RuntimeError)
    try:
        yield
    except (*broken, SafetensorError, StrictDataclassError) as error:
        raise UsageError(f"{what}: {_line(error)}") from error


def _line(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is not known"
    if "ignore_mismatched_sizes" in str(error):
        return "its weights have other shapes than its config.json says"
    lines = [line.strip() for line in str(error).strip().splitlines()]
    # A line that ends so only announces the next.
    told = next((n for n, line in enumerate(lines, start=1) if not line.endswith(":")), len(lines))
    return " ".join(lines[:told])
