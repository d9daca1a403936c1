"""Iterated DPO: sample with the current model, pair right with wrong, align the model on the pairs, and again.

After Pang et al. (2024, Iterative Reasoning Preference Optimization, arXiv 2404.19733): pairs are made anew by each
round's model, which is also the reference of its own training; ``dpo.sft_weight`` is the weight of their NLL term on
what was chosen. Departures: rows are as ``rows`` says, by default up to five pairs a problem drawn at random as in
O1-Journey (there: ten), and the base may be any model that solves some of the problems.
"""

from __future__ import annotations

from collections.abc import Iterator

from longthought.train.loops.commands import Commands, Model, Seat
from longthought.train.loops.round import Round, at, base_round, has_pairs, nothing_learned
from longthought.train.loops.settings import IteratedDpoSettings, Rows


def iterated_dpo(do: Commands, settings: IteratedDpoSettings) -> Iterator[Round]:
    """Play the rounds, and give each as it ends.

    Raises:
        RunError: a round in which no problem was tried both rightly and wrongly.
    """
    model: Model = settings.model
    rows = settings.rows or (Rows(kind="preference"),)
    yield base_round(do, {"policy": model})
    for number in range(1, settings.rounds + 1):
        answers = do.ask(at(number, "answers"), {"policy": model}, do.problems, settings.samples, seed=number)
        if not has_pairs(answers):
            raise nothing_learned(at(number, "answers"), "no problem was tried both rightly and wrongly")
        pairs = do.export(at(number, "pairs"), answers, rows, model)
        model = do.train(at(number, "model"), "dpo", model, pairs)
        seats: dict[Seat, Model] = {"policy": model}
        yield Round(
            number, seats, answers, corpus=pairs, evaluation=do.evaluate(at(number, "evaluation"), seats)
        )
