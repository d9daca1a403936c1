"""Group relative policy optimisation (Shao et al. 2024, arXiv 2402.03300, §4.1) with TRL's ``GRPOTrainer``.

The reward is verifiable. For each problem a group of solutions is sampled; one is worth 1 if its answer is right and 0
if it is wrong or missing, so that only the group's own mean and spread decide what is learned. What the scorer cannot
tell is *unscored*: it counts neither in the mean nor in the loss. Problems and their scorer are handed in, for what
they are is a scenario's business. Departures: no reward model; no KL term unless ``beta`` is given; ``format_weight``
adds to the reward of what has a whole thought in known tags; the solutions are samples of the policy alone, not
debates.
"""

from __future__ import annotations

import logging
import warnings
from asyncio import gather
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message
from longthought.agents.problems import Problem, hash_problems
from longthought.synth.telling.thought_tags import frame
from longthought.train.arguments import attention, trainer_arguments
from longthought.train.begin import begin
from longthought.train.fit import fit_and_save
from longthought.train.lora import adapters
from longthought.train.processes import processes
from longthought.train.row_length import fits, longest
from longthought.train.settings import GrpoSettings
from longthought.train.starting_point import Start
from longthought.train.turn_end import stop_at_turn_end

#: Whether a solution's answer is right: 1 … 0, or None where nobody can tell.
Score = Callable[[Problem, str], Awaitable[float | None]]


def run_grpo(settings: GrpoSettings, problems: Sequence[Problem], score: Score) -> Path:
    """Train on ``problems`` and save.

    Raises:
        UsageError: a model or problem that cannot be trained with; see the functions called.
    """
    if settings.use_vllm and find_spec("vllm") is None:
        raise UsageError("use_vllm: the package vllm is missing; install it, or set use_vllm: false")
    settings = pinned(settings, problems)
    start = begin(settings)
    if start is None:
        return settings.out
    kept = problems_that_fit(settings, problems, start)
    check_step(settings, len(kept))
    trainer = grpo_trainer(settings, start.weights(), start.tokenizer, kept, score)
    counts = {
        "problems": len(kept),
        "problems_dropped": len(problems) - len(kept),
    }
    return fit_and_save(settings, trainer, start.tokenizer, counts)


def pinned(settings: GrpoSettings, problems: Sequence[Problem]) -> GrpoSettings:
    """The same settings with the problems' digest, by which a training on others is another training.

    Raises:
        UsageError: they name another digest.
    """
    digest = hash_problems(problems)
    if settings.problems.digest not in (None, digest):
        raise UsageError(
            f"problems.digest: these problems have {digest}; take it out, or give the scenario those that it is of"
        )
    problem_settings = settings.problems.model_copy(update={"digest": digest})
    return settings.model_copy(update={"problems": problem_settings})


def problems_that_fit(settings: GrpoSettings, problems: Sequence[Problem], start: Start) -> list[Problem]:
    """Those whose question leaves room for ``max_completion_length`` tokens within ``max_length`` and the context.

    Raises:
        UsageError: one does not, unless such are dropped; or none is left.
    """
    room = settings.max_completion_length
    limit = longest(settings.max_length, start.context)
    if room >= limit:
        raise UsageError(
            f"max_completion_length: {room} tokens leave no room for a question within {limit} (max_length, or the "
            "positions that the model has); lower it"
        )
    encoder = ChatEncoder(start.tokenizer)
    kept = [
        problem
        for problem in problems
        if fits(
            len(asked(encoder, problem.question)) + room,
            f"problem {problem.id}, with max_completion_length",
            settings.max_length,
            start.context,
            settings.too_long,
        )
    ]
    if not kept:
        raise UsageError(
            f"problems: none to train on; all {len(problems)} are longer than {limit - room} tokens"
        )
    return kept


def check_step(settings: GrpoSettings, problems: int) -> None:
    """Make sure that there are as many problems as a step takes; TRL leaves out an epoch's last ones if they are fewer.

    Raises:
        UsageError: there are not, so that an epoch would have no step.
    """
    needed = settings.batch * settings.accumulation * processes() // settings.num_generations
    if problems < needed:
        raise UsageError(
            f"problems: {problems} are fewer than the {needed} of a step (batch times accumulation, by "
            "num_generations); give more, or lower batch or accumulation"
        )


def asked(encoder: ChatEncoder, question: str) -> list[int]:
    """A question as the policy sees it, as in the rows of an export."""
    return encoder.encode([Message("user", question)], add_generation_prompt=True).ids


def reward(
    settings: GrpoSettings, tokenizer: Any, problems: Sequence[Problem], score: Score
) -> Callable[..., Any]:
    """TRL's reward function over solutions as token ids, which awaits their scores; None is no reward."""

    async def right(completion_ids: Any, number: Sequence[int], log_metric: Any, **_: Any) -> Any:
        texts: list[str] = tokenizer.batch_decode(completion_ids, skip_special_tokens=True)
        scores = await gather(*(score(problems[n], text) for n, text in zip(number, texts, strict=True)))
        framed = [len(frame(text)) > 1 for text in texts]
        log_metric("unscored", scores.count(None) / len(scores))
        log_metric("framed", sum(framed) / len(framed))
        return [
            None if value is None else value + settings.format_weight * whole
            for value, whole in zip(scores, framed, strict=True)
        ]

    return right


def grpo_trainer(
    settings: GrpoSettings, model: Any, tokenizer: Any, problems: Sequence[Problem], score: Score
) -> Any:
    """TRL's trainer on the problems' questions."""
    from trl.trainer.grpo_config import GRPOConfig

    with warnings.catch_warnings():
        # TRL imports vLLM wherever it is installed, used or not, and both have something to say about versions.
        warnings.simplefilter("ignore")
        from longthought.train.tokenised_grpo import TokenisedGRPOTrainer

    # It would print whole completions that are unscored, of which the log has the share.
    logging.getLogger("trl.trainer.grpo_trainer").addFilter(_tells_no_completion)
    datasets: Any = import_module("datasets")
    config: Any = GRPOConfig
    arguments = config(
        **trainer_arguments(settings),
        num_generations=settings.num_generations,
        max_completion_length=settings.max_completion_length,
        temperature=settings.temperature,
        top_p=settings.top_p,
        beta=settings.beta,
        epsilon=settings.epsilon,
        num_iterations=settings.num_iterations,
        loss_type=settings.loss,
        use_vllm=settings.use_vllm,
        vllm_mode=settings.vllm_mode,
        vllm_server_base_url=settings.vllm_server_base_url,
    )
    model.set_attn_implementation(attention(settings))
    stop_at_turn_end(model, tokenizer)  # TRL reads what ends a solution when it is made
    trainer: Any = TokenisedGRPOTrainer
    with adapters(settings.lora) as peft_config:
        return trainer(
            model=model,
            reward_funcs=reward(settings, tokenizer, problems, score),
            args=arguments,
            train_dataset=datasets.Dataset.from_dict(
                {
                    "prompt": [[{"role": "user", "content": problem.question}] for problem in problems],
                    "number": list(range(len(problems))),
                }
            ),
            processing_class=tokenizer,
            peft_config=peft_config,
        )


def _tells_no_completion(record: logging.LogRecord) -> bool:
    return "All reward functions returned None" not in record.getMessage()
