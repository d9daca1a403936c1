"""What a word says for the check: nothing, a number, an operator, or its stem."""

from __future__ import annotations

from functools import lru_cache

#: Words that a rewriter puts in and leaves out as it likes.
_EMPTY = frozenset(
    """
    a about above according actually after afterwards ah all alright also although cannot correct not never no always am an and any anyway apply are
    as at be because been before being below but by can check checked come could did do does doing done down each easy
    either else enough even every exactly far fine first follow for from get give go going good got great had has have having
    he hence her here him his hmm hm how however i if in indeed into is it its itself just keep kind know last least less
    let like little look make may maybe me mean mind moment more moreover most much must my myself need next nice note noted
    now obtain of off oh ok okay on onto or order other our ourselves out over perhaps please point put quite rather really
    result right same say second see seem she should simply since so some something still such sure take than thank that the
    their them then there therefore these they thing think this those though through thus to together too true try turn
    under until up upon us use using very want was way we well were what when where whether which while who whom whose why
    will with within without would yeah yes yet you your step steps
    """.split()
)
#: Words of doubt, which stand in for each other.
_DOUBT = frozenset(
    """
    wrong incorrect incorrectly mistake mistaken mistakes error errors erroneous false flaw flawed invalid bad fault faulty
    fail fails failed failing doubt doubtful off distrust unlikely suspicious odd broken dead impossible
    """.split()
)
#: What becomes a doubt behind a negation: not right, can't be correct.
NEGATED = frozenset("right correct trust true hold holds".split())
_NEGATIONS = frozenset("not no never cannot doubt".split())
#: Words that turn back.
_RETURN = frozenset(
    """
    back return returning again anew start starting begin beginning restart scratch instead alternatively alternative another
    different differently else retry undo revert rewind drop abandon discard redo rethink reconsider other fresh backtrack
    retreat over once resume
    """.split()
)
#: Ways to say a number. Of the second kind nobody can say whether a number is meant: they may stand for one, no more.
_NUMBERS = {
    name: value
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split()
    )
} | {
    name: value
    for value, name in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), start=3)
}
_TENS = frozenset("thirty forty fifty sixty seventy eighty ninety".split())
_HINTS = {
    "one": 1,
    "both": 2,
    "twice": 2,
    "double": 2,
    "doubled": 2,
    "pair": 2,
    "couple": 2,
    "triple": 3,
    "dozen": 12,
}
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ORDINALS = {
    name: f"{place}th"
    for place, name in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=1
    )
}
#: What stands for an operator between two terms; a following "by" or "to" belongs to it.
OPERATORS = {
    "times": "*", "multiplied": "*", "plus": "+", "minus": "-", "divided": "/", "over": "/",
    "equals": "=", "equal": "=", "is": "=", "gives": "=", "makes": "=", "comes": "=", "yields": "=", "leaves": "=",
}  # fmt: skip
#: Words of one meaning, each by the first of its line.
_SAME = {
    word: line.split()[0]
    for line in """
    total altogether overall sum
    calculate compute calculation computation
    multiply times product
    divide quotient
    subtract difference
    add addition
    equal equals
    buy bought purchase purchased
    remain remaining left leftover
    find determine
    percent percentage
    """.strip().splitlines()
    for word in line.split()
}
_SUFFIXES = ("ations", "ation", "ings", "ing", "ied", "ies", "ed", "es", "ly", "s", "e", "y")


def number_word(word: str) -> tuple[int, bool] | None:
    """The number that the word says, and whether it surely is one."""
    if word in _HINTS:
        return _HINTS[word], False
    if word in _NUMBERS:
        return _NUMBERS[word] * (10 if word in _TENS else 1), True
    return None


def negates(word: str) -> bool:
    """Whether the word turns what follows into its opposite."""
    return word in _NEGATIONS or word.endswith(("n't", "n’t"))


def is_return(word: str) -> bool:
    """Whether the word may turn back from a branch."""
    return word in _RETURN


@lru_cache(maxsize=1 << 16)
def meaning(word: str) -> str | None:
    """What two words of one meaning share, or None for a word that says nothing by itself. ``word`` is casefolded."""
    word = word.removesuffix("'s").removesuffix("’s")
    if word in _ORDINALS:
        return _ORDINALS[word]
    if word in _DOUBT:
        return "doubt"
    if word in _EMPTY or "'" in word or "’" in word:
        return None
    word = _SAME.get(word, word)
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word.removesuffix(suffix)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
