"""What every training begins with: whether it has ended already, and what can be wrong before weights are loaded."""

from __future__ import annotations

from typing import Any

from longthought.train.arguments import prepare_libraries
from longthought.train.artifact import check_places
from longthought.train.checkpoints import is_finished
from longthought.train.row_kinds import check_kinds
from longthought.train.settings import TrainSettings
from longthought.train.starting_point import Start, find_start


def begin(settings: TrainSettings, **options: Any) -> Start | None:
    """Where the training starts; None where it is to be gone on with and ``settings.out`` holds what it made.

    Args:
        options: as ``find_start`` takes them.

    Raises:
        UsageError: as ``check_places``, ``check_kinds`` and ``find_start``.
    """
    if settings.earlier == "resume" and is_finished(settings):
        return None
    prepare_libraries()
    check_places(settings)
    check_kinds(settings.corpora, settings.trainer)
    return find_start(settings, **options)
