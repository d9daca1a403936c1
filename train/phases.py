"""Several trainings as one: each goes on from the model of the one before, and the last one's model is the result.

As O1-Journey (part 1) trains: a stage on shortcuts, which teach the format, then one on journeys. A phase has its own
corpora, scheduler and optimiser. The model goes on through ``.<out>.phase-<n>``, a whole model with its own record,
which is gone once the last phase's is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longthought.synth.corpus.replace_dir import remove
from longthought.train.checkpoints import checkpoints_of
from longthought.train.corpus import corpus_hashes
from longthought.train.processes import is_main
from longthought.train.provenance import identity_of, read_record
from longthought.train.settings import SftSettings


def phases_of(settings: SftSettings) -> list[SftSettings]:
    """The trainings to run, in order, of which the last writes to ``settings.out``; without phases the one training."""
    if not settings.phases:
        return [settings]
    chain = list[SftSettings]()
    for n, phase in enumerate(settings.phases, start=1):
        out = settings.out.with_name(f".{settings.out.name}.phase-{n}")
        changed = {
            "model": str(chain[-1].out) if chain else settings.model,
            # What a training that was stopped has left there is nobody's result.
            **({"out": out, "overwrite": True} if n < len(settings.phases) else {}),
        }
        chain.append(phase.model_copy(update=changed))
    return chain


def whole_account(settings: SftSettings, phases: Sequence[SftSettings]) -> dict[str, Any]:
    """What the last phase's record says of all: their settings and corpora, and the records of the earlier ones."""
    if not settings.phases:
        return {}
    return {
        "settings": settings.model_dump(mode="json"),
        "corpora": corpus_hashes(settings.corpora),
        "identity": identity_of(settings),
        "phases": [read_record(phase.out) for phase in phases[:-1]],
    }


def clear_up(phases: Sequence[SftSettings]) -> None:
    """Remove what earlier phases left for later ones."""
    if is_main():
        for phase in phases[:-1]:
            remove(phase.out)
            remove(checkpoints_of(phase))
