"""What models were trained on, as far as their records tell and it is still there, for problems that none has seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem, hash_problems
from longthought.scenarios.load import load_scenario
from longthought.scenarios.problem_source import problems_of
from longthought.synth.clean.same_problem import keys_of, problem_keys
from longthought.train.evaluating.seen import holds_texts, seen, training_of
from longthought.train.settings import CorpusSettings, ProblemSettings


class Learned:
    """Corpora that are named, and what models that are added learned. ``notes``: what cannot be looked at.

    Raises:
        UsageError: a corpus cannot be read.
    """

    def __init__(self, corpora: Iterable[CorpusSettings] = (), *, allow_import: bool = False) -> None:
        self._allow_import = allow_import
        self._corpora: list[CorpusSettings] = []
        self._keys = frozenset[str]()
        #: Where it was learned from.
        self.places: list[str] = []
        self.notes: list[str] = []
        for corpus in corpora:
            self._read(corpus)

    def add(self, model: Path, called: str) -> None:
        """What the records of the model, and of those that it started from, name."""
        training = training_of(model)
        for corpus in training.corpora:
            self._read(corpus)
        if training.gone:
            gone = ", ".join(training.gone)
            self.notes.append(
                f"{called} comes of {gone}, not here (any more): what was learned there is not checked"
            )
        for asked in training.problems:
            self._ask(asked, called)

    def seen(self, problems: Sequence[Problem]) -> list[Problem]:
        """Those of the problems that are in it."""
        shown = {problem.key for problem in seen(problems, self._corpora)}
        return [each for each in problems if each.key in shown or problem_keys(each) & self._keys]

    def _read(self, corpus: CorpusSettings) -> None:
        if holds_texts(corpus):
            self._corpora.append(corpus)
            self.places.append(str(corpus.path))
        else:
            self.notes.append(f"{corpus.path} holds token ids: its problems are not checked")

    def _ask(self, asked: ProblemSettings, called: str) -> None:
        try:
            loaded = load_scenario(asked.scenario, asked.set)
            problems = problems_of(loaded, asked.limit, allow_import=self._allow_import)
        except UsageError as error:
            self.notes.append(f"{called} was trained on problems that are not checked: {error}")
            return
        self._keys |= keys_of(problems)
        self.places.append(asked.scenario)
        if asked.digest not in (None, hash_problems(problems)):
            self.notes.append(f"{called} was trained on {asked.scenario} when it had other problems")
