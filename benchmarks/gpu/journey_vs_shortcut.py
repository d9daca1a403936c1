"""Do journeys teach more than shortcuts at 25 M and 100 M parameters?

    python -m benchmarks.gpu.journey_vs_shortcut          options as those of benchmarks.journey_vs_shortcut

The same experiment with larger models, one cell at a time; its results are a file of their own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.journey_vs_shortcut.__main__ import main

if __name__ == "__main__":
    torch: Any = import_module("torch")
    if not torch.cuda.is_available():
        raise SystemExit("no GPU is here; the models for a CPU are those of benchmarks.journey_vs_shortcut")
    main(("25m", "100m"), at_once=1, name="journey_vs_shortcut_gpu")
