"""STaR, the self-taught reasoner (Zelikman et al. 2022, arXiv 2203.14465, algorithm 1).

Each round the last model tries every problem. What is right is kept; what is not is asked again with the answer as a
hint (rationalisation), kept if now right, the hint taken out of the question. Then the *base* is fine-tuned on what was
kept, so that no round inherits the errors of the one before; each round trains ``growth`` times as long (there: 40
steps and 20 % more each time).

Departures: there are no few-shot examples in the prompt, for the base is taken to know the task or to have a prompt of
its own (the scenario's ``prompts``); with ``samples`` above 1 a problem counts as solved if one of its tries is right,
and ``rows`` picks among them; hinted rows are marked informed in their transcripts, corpora and cards.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from longthought.train.loops.commands import Commands, Model, Seat
from longthought.train.loops.round import Round, at, base_round, nothing_learned, solved, unsolved
from longthought.train.loops.settings import StarSettings


def star(do: Commands, settings: StarSettings) -> Iterator[Round]:
    """Play the rounds, and give each as it ends.

    Raises:
        RunError: a round in which nothing was solved.
    """
    base: Model = settings.model
    model = base
    rows = settings.rows or do.rows("policy")
    yield base_round(do, {"policy": base})
    for number in range(1, settings.rounds + 1):
        answers = do.ask(at(number, "answers"), {"policy": model}, do.problems, settings.samples, seed=number)
        missed = unsolved(do.problems, answers)
        hinted: Path | None = None
        if settings.rationalise and any(problem.gold is not None for problem in missed):
            hinted = do.ask(
                at(number, "rationales"), {"policy": model}, missed, settings.samples, number, hinted=True
            )
        if not solved(answers) and not (hinted and solved(hinted, hinted=True)):
            raise nothing_learned(at(number, "answers"), "no problem was solved")
        tried = [answers] if hinted is None else [answers, hinted]
        kept = do.gather(at(number, "kept"), tried, right_only=True)
        corpus = do.export(at(number, "corpus"), kept, rows, model)
        model = do.train(at(number, "model"), "sft", base, corpus, longer=settings.growth ** (number - 1))
        seats: dict[Seat, Model] = {"policy": model}
        yield Round(number, seats, answers, hinted, corpus, do.evaluate(at(number, "evaluation"), seats))
