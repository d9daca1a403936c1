"""Loading a language model and its tokenizer through transformers: safetensors only, no code from a model."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Literal

from longthought.agents.errors import FatalModelError, UsageError

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]

#: Files that loading a model may read.
_LOADED = frozenset({".json", ".safetensors", ".jinja", ".model", ".txt"})


@dataclass(frozen=True, slots=True)
class LocalWeights:
    """A model in evaluation mode on its device, its tokenizer, and its context in tokens."""

    model: Any
    tokenizer: Any
    context: int


def check_model_source(model: str | Path) -> str:
    """The directory or hub name to load, a directory having been looked at.

    Raises:
        UsageError: it is a path, and no model lies there.
    """
    path = Path(model).expanduser()
    if not path.is_dir():
        if isinstance(model, Path) or model.startswith(("/", ".", "~")) or model.count("/") > 1:
            raise UsageError(f"no model at {path}: the directory does not exist")
        return model
    if not (path / "config.json").is_file():
        raise UsageError(f"no model at {path}: config.json is missing")
    if not any(path.glob("*.safetensors")):
        raise UsageError(f"no weights at {path}: *.safetensors are missing (other formats are not loaded)")
    return str(path)


def weights_digest(directory: Path) -> str:
    """SHA-256 of everything that a model's directory loads: weights, configuration, tokenizer, chat template."""
    digest = sha256()
    for file in sorted(directory.iterdir()):
        # How it was trained is no part of what it says.
        if file.suffix in _LOADED and not file.name.startswith("training"):
            digest.update(file.name.encode() + b"\n")
            with file.open("rb") as read:
                digest.update(file_digest(read, "sha256").digest())
    return digest.hexdigest()


def local_directory(source: str) -> Path:
    """Where a model's files lie: its directory, or what is fetched of a hub name (only what loading may read).

    Raises:
        FatalModelError: the hub does not have it, or cannot be reached.
    """
    if Path(source).is_dir():
        return Path(source)
    import huggingface_hub

    hub: Any = huggingface_hub
    try:
        return Path(
            hub.snapshot_download(source, allow_patterns=[f"*{suffix}" for suffix in sorted(_LOADED)])
        )
    except Exception as error:  # the hub's client, its HTTP library and the system have errors of their own
        reason = str(error).strip().partition("\n")[0]
        raise FatalModelError(f"the model {source} cannot be fetched: {reason}") from error


def load_weights(
    source: str, device: Device, dtype: Dtype, context: int | None, *, headless: bool = False
) -> LocalWeights:
    """Load from a directory or the hub; ``auto`` is the first GPU if there is one, and float32 on the CPU.

    Args:
        headless: the model without its head, which then gives hidden states.

    Raises:
        FatalModelError: not found, damaged, or of an architecture whose layers do not all attend.
    """
    import torch
    from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as display

    logging: Any = display
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # the run has a display of its own
    place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    kind = "float32" if dtype == "auto" and place == "cpu" else dtype
    loader: Any = AutoModel if headless else AutoModelForCausalLM
    if headless:
        logging.set_verbosity_error()  # it would tell of the head's weights, which are not for this model
    tokenizers: Any = AutoTokenizer
    try:
        tokenizer = tokenizers.from_pretrained(source, trust_remote_code=False)
        model, told = loader.from_pretrained(
            source,
            dtype=kind,
            attn_implementation="sdpa",
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        model = model.to(place).eval()
    except Exception as error:  # each library on the way has errors of its own
        reason = str(error).strip().partition("\n")[0]
        raise FatalModelError(f"the model {source} cannot be loaded: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    if headless and told["missing_keys"]:  # they would be random numbers
        raise FatalModelError(
            f"the model {source} lacks the weights {', '.join(sorted(told['missing_keys'])[:3])}"
        )
    config = model.config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    if not layers <= {"full_attention", "sliding_attention"}:
        raise FatalModelError(
            f"the model {source} has {', '.join(sorted(layers))} layers; serve it with vLLM instead"
        )
    # Inside its window sliding attention is full attention, which is all that the decoder knows.
    limits = (context, config.max_position_embeddings, getattr(config, "sliding_window", None))
    return LocalWeights(model, tokenizer, min(limit for limit in limits if limit))
