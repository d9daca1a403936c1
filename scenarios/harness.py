"""What ``longthought eval --harness`` is given, as a run of the harness: its server, its key, its tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

from longthought.agents.errors import UsageError
from longthought.agents.models.wire_address import endpoint_url
from longthought.scenarios.credentials import key_for
from longthought.train.evaluating.lm_eval import HarnessRun, check_harness
from longthought.train.starting_point import model_source


def harness_run(
    model: str | None,
    tasks: str | None,
    base_url: str | None,
    served_name: str | None,
    chat: bool,
    limit: int | None,
    more: Sequence[str],
) -> HarnessRun:
    """Looked at before anything is played.

    Raises:
        UsageError: something is missing, or cannot be handed on.
    """
    if model is None or not tasks or base_url is None:
        raise UsageError("--harness lm-eval: needs --model, --tasks and --base-url, the server of the model")
    endpoint_url(base_url)
    try:
        key = key_for("OPENAI_API_KEY", base_url, "--base-url")
    except UsageError:  # there is none, or none for this server, which is then asked without
        key = None
    run = HarnessRun(
        served=served_name or model,
        tokenizer=model_source(model),
        base_url=base_url,
        tasks=tuple(task for each in tasks.split(",") if (task := each.strip())),
        chat=chat,
        limit=limit,
        more=tuple(more),
        key=key,
    )
    check_harness(run)
    return run
