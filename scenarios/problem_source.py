"""Where a scenario's problems come from: a dataset that this package reads, or a plug-in's."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, cast

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.scenarios.datasets import load_problems
from longthought.scenarios.load import Loaded
from longthought.scenarios.plugins import find_plugin
from longthought.scenarios.schema import PluginDataset


def problems_of(loaded: Loaded, limit: int | None = None, *, allow_import: bool = False) -> list[Problem]:
    """The scenario's problems, at most ``limit`` of them.

    Raises:
        UsageError: the dataset cannot be read or holds no problem; the line names file and line, or key.
    """
    spec = loaded.scenario.dataset
    try:
        if isinstance(spec, PluginDataset):
            made: Any = find_plugin(
                "datasets", spec.name, "dataset.name", allow_import=allow_import, base_dir=loaded.base_dir
            )
            found = list(islice(cast("Iterable[Problem]", made(**spec.options)), limit))
        else:
            found = list(islice(load_problems(spec, loaded.base_dir), limit))
    except UsageError as error:
        said = str(error)
        raise UsageError(f"{loaded.source}: {said}" if said.startswith("dataset") else said) from error
    if not found:
        raise UsageError(f"{loaded.source}: dataset: holds no problem")
    return found
