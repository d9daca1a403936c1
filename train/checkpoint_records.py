"""Gives every checkpoint what the final model has, its record and its card, and the record last of all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from longthought.train.card import model_card
from longthought.train.whole import seal


class CheckpointRecords(TrainerCallback):
    """``record_at`` a trainer's state is what goes into ``training.json``; ``wait`` for all processes comes before."""

    def __init__(
        self, name: str, record_at: Callable[[Any], dict[str, Any]], wait: Callable[[], None]
    ) -> None:
        self._name = name
        self._record_at = record_at
        self._wait = wait

    def on_epoch_begin(
        self, args: Any, state: Any, control: Any, train_dataloader: Any = None, **_: Any
    ) -> None:
        # A resumed epoch's loader is wrapped once more, and then accelerate 1.15 no longer reaches the order of rows.
        train_dataloader.set_epoch(int(state.epoch or 0))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        # A logged loss is a mean since the last: windows end where a resumed training begins, and at the end.
        if control.should_save or control.should_training_stop:
            control.should_log = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # Every process has put its own dice there.
        self._wait()
        if not state.is_world_process_zero:
            return
        place = Path(args.output_dir)
        here = place / f"checkpoint-{state.global_step}"
        # Pickled settings, which nobody reads, and TRL's card beside the checkpoints.
        (here / "training_args.bin").unlink(missing_ok=True)
        (place / "README.md").unlink(missing_ok=True)
        record = self._record_at(state)
        card = model_card(f"{self._name}, step {state.global_step}", record)
        (here / "README.md").write_text(card, encoding="utf-8")
        seal(here, record)
