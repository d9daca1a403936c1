"""Pictures of figures: an empty one to draw on, and one file that is the same bytes for the same drawing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError

#: Of things side by side, by their place.
COLOURS = ("#2a6f97", "#c1121f", "#6a994e", "#bc6c25", "#5e548e", "#495057", "#2a9d8f", "#e9c46a")


def check_picture(file: Path) -> Any:
    """What draws, once it is sure that it can.

    Raises:
        UsageError: an ending other than .svg and .png, or matplotlib is not installed.
    """
    if file.suffix not in (".svg", ".png"):
        raise UsageError(f"the plot {file} must end in .svg or .png")
    try:
        return import_module("matplotlib.figure").Figure
    except ImportError as error:
        raise UsageError("the plot needs matplotlib: pip install 'longthought[train]'") from error


def picture(file: Path, width: float, height: float) -> Any:
    """An empty figure, in inches, that ``save`` can write to ``file``.

    Raises:
        UsageError: as ``check_picture``.
    """
    return check_picture(file)(figsize=(width, height), layout="constrained")


def save(figure: Any, file: Path) -> None:
    """Write an SVG or a PNG, by the file's ending; an SVG without its date and with fixed names."""
    with import_module("matplotlib").rc_context({"svg.hashsalt": "longthought"}):
        metadata = {"Date": None} if file.suffix == ".svg" else {}
        figure.savefig(file, format=file.suffix[1:], metadata=metadata, dpi=120)


def label(name: str) -> str:
    """A name as text: dollar signs would be read as mathematics."""
    return name.replace("$", "\\$")
