"""Which problems are known to be ill-posed, and a rule for whether a text names what is wrong with one."""

from __future__ import annotations

import re
from typing import Literal

from longthought.agents.problems import Problem

#: ``not sure``: neither can be told from the words alone.
Verdict = Literal["right", "wrong", "not sure"]

#: From this Dice coefficient of their terms on, two texts name the same thing.
SAME = 0.6
#: Below this one, texts of at least ``ENOUGH`` terms each do not.
OTHER = 0.05
ENOUGH = 4

_LONGEST = 4_000
_COMMAND = re.compile(r"\\[A-Za-z]+")
_TERM = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|[^\W\d_]+(?:['\u2019][a-z]+)?")
_SPELLED = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}
#: Words of which either text may have any number without naming anything: grammar, and the words for being ill-posed.
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """a about all also an and any are as at be because been being both but by can cannot could did do does for from
    had has have hence how if in into is it its itself just may might must no nor not of on only or other our out
    shall should since so some such than that the their them then there these they this those thus to too was we were
    what when where which while who whose why will with would you your
    answer asked condition conflict conflicting consistent contradict contradicting contradiction contradictory
    contradicts defined enough exist exists false given gives holds ill impossible incompatible inconsistent
    information invalid known means mentioned mistake missing necessary needed possible posed problem question
    satisfied satisfy solution solvable solve solved stated statement states therefore true undefined undetermined
    unknown unsolvable value wrong""",
    )
)


def ill_posed_of(problem: Problem) -> bool | None:
    """Whether the problem is known to be ill-posed (its gold answer then says why), or not to be; None: neither."""
    known = problem.metadata.get("ill_posed")
    return known if isinstance(known, bool) else None


def same_contradiction(said: str, gold: str, question: str = "") -> Verdict:
    """Whether ``said`` names the contradiction, or the gap, that ``gold`` describes.

    Compared are the sets of their terms: words without endings, and numbers; words that say nothing here are left out
    on both sides. *Right* from a Dice coefficient of ``SAME`` on, unless the text is as much like the question, or
    the two have less than half of their numbers in common; *wrong* if nothing is said, or if texts of some length
    share next to no term; else *not sure*. What either text has too much counts, so listing everything gains nothing.
    """
    ours, theirs = terms(said), terms(gold)
    if not ours:
        return "wrong"
    alike = _dice(ours, theirs)
    if alike >= SAME:
        repeats = _dice(ours, terms(question)) >= alike
        numbers, wanted = _numbers(ours), _numbers(theirs)
        others = numbers and wanted and 2 * len(numbers & wanted) < len(numbers | wanted)
        return "not sure" if repeats or others else "right"
    return "wrong" if alike < OTHER and min(len(ours), len(theirs)) >= ENOUGH else "not sure"


def terms(text: str) -> frozenset[str]:
    """The words and numbers in ``text`` that name something. Linear in its length."""
    found: set[str] = set()
    for match in _TERM.finditer(_COMMAND.sub(" ", text[:_LONGEST])):
        term = match[0].lower()
        if term[0].isdigit():
            found.add(_number(term))
            continue
        word, mark, _ = term.replace("\u2019", "'").partition("'")
        if word in _SPELLED:
            found.add(_SPELLED[word])
        elif word not in _EMPTY and not (mark and word in _NEGATED):
            found.add((word[:-1] if len(word) > 3 and word.endswith("s") else word)[:6])
    return frozenset(found)


#: The first halves of "doesn't" and its like.
_NEGATED = frozenset(
    (
        "can",
        "don",
        "doesn",
        "isn",
        "aren",
        "wasn",
        "won",
        "couldn",
        "didn",
        "hasn",
        "haven",
        "shouldn",
        "wouldn",
    )
)


def _dice(ours: frozenset[str], theirs: frozenset[str]) -> float:
    return 2 * len(ours & theirs) / ((len(ours) + len(theirs)) or 1)


def _number(text: str) -> str:
    bare = text.replace(",", "")
    return bare.rstrip("0").rstrip(".") if "." in bare else bare


def _numbers(found: frozenset[str]) -> set[str]:
    return {term for term in found if term[0].isdigit()}
