"""Who a scenario's critic is, and whether the passport that the scenario demands of it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from longthought.agents.errors import UsageError
from longthought.scenarios.build import Built
from longthought.scenarios.load import Loaded
from longthought.scenarios.manifest import identity_of
from longthought.scenarios.seats import who_sits

if TYPE_CHECKING:
    from longthought.train.judging.passport import Subject

#: Figures of a passport that a run's manifest repeats.
_SUMMARY = ("step_f1", "false_alarms", "misses", "processbench_f1")


def critic_subject(loaded: Loaded, built: Built) -> Subject:
    """Who sits in the critic's seat of a scenario: agent or model with its weights, prompts, context and rewards."""
    from longthought.train.judging.passport import Subject

    scenario = loaded.scenario
    spec = scenario.sitting["critic"]
    told = identity_of(loaded, built.prompts)
    identity = {
        **who_sits(spec, built.engines),
        "prompts": {
            part: text for part, text in told.prompts.items() if not part.startswith(("policy", "scorer."))
        },
        "context": scenario.context,
        "rewards": {
            name: {"spec": scenario.rewards[name].model_dump(mode="json"), "is": reward.identity()}
            for name, reward in built.rewards.items()
        },
    }
    return Subject(kind="critic", name=f"critic of {scenario.name}", identity=identity)


def check_passport(loaded: Loaded, built: Built) -> dict[str, Any] | None:
    """What the manifest says of the critic's passport; None where the scenario demands none.

    Raises:
        UsageError: it is missing, of another critic, or its step F1 is below ``min_f1``.
    """
    spec = loaded.scenario.sitting.get("critic")
    if spec is None or spec.passport is None:
        return None
    # Every run comes through here, and few demand a passport: numpy and the figures stay out of the others.
    from longthought.train.judging.passport import read_passport

    file = loaded.base_dir / spec.passport
    key = f"{loaded.source}: seats.critic"
    passport = read_passport(file)
    if passport.subject_hash != critic_subject(loaded, built).hash:
        raise UsageError(
            f"{key}.passport: {file} is of another critic ({passport.subject.name}); its model, weights, prompts, "
            "context or rewards differ; make one with `longthought judge`"
        )
    found = passport.figures["step_f1"].value
    if spec.min_f1 is not None and (found is None or found < spec.min_f1):
        said = "is not defined" if found is None else f"is {found:.3f}"
        raise UsageError(f"{key}.min_f1: step F1 {said} on {passport.data.name}, below {spec.min_f1:g}")
    return {
        "subject_hash": passport.subject_hash,
        "data": passport.data.name,
        "data_sha256": passport.data.sha256,
        **{name: passport.figures[name].value for name in _SUMMARY},
    }
