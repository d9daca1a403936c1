"""Imitate, explore, self-improve (STILL-2; Min et al. 2024, arXiv 2412.09413).

Imitate: the base is fine-tuned on long thoughts that others wrote, the right ones of them. Explore: the model tries
what nobody has solved yet, ``samples`` times each (there: at most 20), and answers that match are new data.
Self-improve: M_t is trained on all data so far, refiltered by what ``rows`` and ``filters`` say (length, perplexity),
until the pool is empty. With ``improve: dpo`` the rounds behind the first start from its model and align thoughts
instead: the right tries that the model finds most perplexing against the wrong ones that it finds least so (``pairs``),
with ``dpo.sft_weight`` for the SFT term.

Departures: every try of a problem is made at once; a problem leaves the pool with its first right answer; and a round
that solves nothing new leaves the model as it is, for training on the same data again would make the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from longthought.train.loops.commands import Commands, Model, Seat
from longthought.train.loops.round import Round, at, has_pairs, nothing_learned, solved, unsolved
from longthought.train.loops.settings import ExploreSettings


def explore(do: Commands, settings: ExploreSettings) -> Iterator[Round]:
    """Play the rounds, and give each as it ends; round 0 imitates.

    Raises:
        RunError: seeds of which none is right.
    """
    rows = settings.rows or do.rows("policy")
    seeds = do.seeds(at(0, "seeds"))
    if not solved(seeds):
        raise nothing_learned(at(0, "seeds"), "none of the seeds is right")
    data = [seeds]
    tried: list[Path] = []
    kept = do.gather(at(0, "kept"), data, right_only=True)
    corpus = do.export(at(0, "corpus"), kept, rows, settings.model)
    model: Model = do.train(at(0, "model"), "sft", settings.model, corpus)
    first = model
    seats: dict[Seat, Model] = {"policy": model}
    yield Round(0, seats, corpus=corpus, evaluation=do.evaluate(at(0, "evaluation"), seats))
    pool = unsolved(do.problems, seeds)
    for number in range(1, settings.rounds + 1):
        if not pool:
            return
        answers = do.ask(at(number, "answers"), {"policy": model}, pool, settings.samples, seed=number)
        pool = unsolved(pool, answers)
        tried.append(answers)
        new: Path | None = None
        if solved(answers):
            data.append(answers)
            if settings.improve == "dpo" and number > 1:
                every = do.gather(at(number, "tried"), tried, right_only=False)
                if has_pairs(every):
                    new = do.export(at(number, "pairs"), every, [settings.pairs], model)
                    model = do.train(at(number, "model"), "dpo", first, new)
            else:
                kept = do.gather(at(number, "kept"), data, right_only=True)
                new = do.export(at(number, "corpus"), kept, rows, model)
                start = settings.model if settings.start == "base" else model
                model = do.train(at(number, "model"), "sft", start, new)
        if number == 1:
            first = model
        seats = {"policy": model}
        yield Round(
            number, seats, answers, corpus=new, evaluation=do.evaluate(at(number, "evaluation"), seats)
        )
