"""Critic–policy co-training: they debate, each learns its seat from the debates, and they debate again.

The policy learns what it said in debates that ended right, wrong steps masked; the critic learns the verdicts that the
debates' trees bear out afterwards, of right and wrong debates alike (``synth.derive.critic``): what it said itself
would teach it its own mistakes. One model in both seats learns both halves of the right debates. In the manner of MALT
(Motwani et al. 2024, arXiv 2412.01928) and of ``make tiny-model``; departures: one critic instead of verifier and
refiner, and outcomes instead of values for credit.
"""

from __future__ import annotations

from collections.abc import Iterator

from longthought.train.loops.commands import Commands, Model, Seat
from longthought.train.loops.round import Round, at, base_round, nothing_learned, solved
from longthought.train.loops.settings import CotrainSettings


def cotrain(do: Commands, settings: CotrainSettings) -> Iterator[Round]:
    """Play the rounds, and give each as it ends.

    Raises:
        RunError: a round in which no debate ended right.
    """
    alone = settings.critic is None
    base: dict[Seat, Model] = {"policy": settings.model, "critic": settings.critic or settings.model}
    rows = settings.rows or do.rows("both" if alone else "policy")
    seats: dict[Seat, Model] = dict(base)
    yield base_round(do, seats)
    for number in range(1, settings.rounds + 1):
        debates = do.ask(at(number, "debates"), seats, do.problems, settings.samples, seed=number)
        if not solved(debates):
            raise nothing_learned(at(number, "debates"), "no debate ended right")
        start = base if settings.start == "base" else seats
        kept = do.gather(at(number, "kept"), [debates], right_only=True)
        corpus = do.export(at(number, "corpus"), kept, rows, seats["policy"])
        policy = do.train(at(number, "policy"), "sft", start["policy"], corpus)
        critic = policy
        if not alone:
            verdicts = settings.critic_rows or do.rows("critic")
            learned = do.export(at(number, "critic-corpus"), debates, verdicts, seats["critic"])
            critic = do.train(at(number, "critic"), "sft", start["critic"], learned)
        seats = dict[Seat, Model]({"policy": policy, "critic": critic})
        yield Round(
            number, seats, debates, corpus=corpus, evaluation=do.evaluate(at(number, "evaluation"), seats)
        )
