"""The check of rewrites: what it lets pass, what it refuses and how it says so, and the spans of what it let pass."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.journey import Journey
from longthought.synth.rewrite.fidelity import check
from longthought.synth.rewrite.sides import equalities
from longthought.synth.rewrite.tokens import tokens
from longthought.synth.telling.pieces import Piece, joined
from tests.synth.random_debates import debates

#: A wrong step, its reason, and a new try; then the way on to the answer.
PIECES = [
    Piece("In April she sold 48 clips.", "thought", 1, True),
    Piece("In May she sold 48/2 = 26 clips.", "thought", 2, False),
    Piece(
        'Wait, half of 48 is 24, not 26; back to "In April she sold 48 clips.".',
        "way back",
        2,
        False,
        "half of 48 is 24, not 26",
    ),
    Piece("In May she sold 48/2 = 24 clips.", "thought", 3, True),
    Piece("Altogether that makes 48 + 24 = 72 clips.\nAnswer: 72", "thought", 4, True),
    Piece("That settles it.", "end", 4, True),
]
FAITHFUL = (
    "Okay, so in April she sold forty-eight… no, let me write it down: 48 clips. Then in May she sold $48 / 2 = 26$ "
    "clips. Hmm, hold on! Half of 48 is 24 and not 26, so I go back to the 48 clips that she sold in April. Once more: "
    "in May it's \\frac{48}{2} = 24 clips, and so altogether we get 24 + 48 = 72 clips. The answer is 72."
)


def complaints(rewrite: str) -> str:
    return "\n".join(check(PIECES, "72", rewrite).complaints)


def test_the_draft_itself_stands() -> None:
    draft = joined(PIECES)
    found = check(PIECES, "72", draft)
    assert not found.complaints
    assert [draft[start:end] for start, end in found.spans[1:3]] == [
        PIECES[1].text + "\n",
        PIECES[2].text + "\n",
    ]


def test_other_words_typography_and_order_within_an_equation_stand() -> None:
    rewrite = FAITHFUL.replace("forty-eight… no, let me write it down: ", "")
    found = check(PIECES, "72", rewrite)
    assert not found.complaints
    told = [rewrite[start:end] for start, end in found.spans]
    assert "".join(told) == rewrite
    assert "= 26" in told[1]
    assert "go back to the 48 clips" in told[2]
    assert "= 24" in told[3]
    assert told[4].rstrip().endswith("The answer is 72.")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("$48 / 2 = 26$", "$48 / 2 = 28$", "26 is missing"),
        ("24 + 48 = 72 clips", "24 + 49 = 73 clips", "48 is missing"),
        ("Half of 48 is 24 and not 26, so", "So", "reason"),
        (", so I go back to the 48 clips that she sold in April", "", "way back"),
        ("Then in May she sold $48 / 2 = 26$ clips.", "", "the step"),
        (" Once more: in May it's \\frac{48}{2} = 24 clips, and so", "So", "the step"),
        ("The answer is 72.", "The answer is 48.", "answer"),
        (", and so altogether we get 24 + 48 = 72 clips. The answer is 72.", ".", "Altogether"),
        ("\\frac{48}{2} = 24", "\\frac{24}{2} = 48", "has become"),
        ("The answer is 72.", "As 30 + 12 = 43, the answer is 72.", "does not hold"),
    ],
    ids=[
        "a changed number", "a new number", "no reason", "no way back", "no wrong step", "no step", "another answer",
        "ends early", "sides in other places", "a wrong equation",
    ],
)  # fmt: skip
def test_what_is_lost_is_named(old: str, new: str, told: str) -> None:
    rewrite = FAITHFUL.replace("forty-eight… no, let me write it down: ", "")
    assert old in rewrite
    assert told in complaints(rewrite.replace(old, new))


def test_steps_in_another_order_are_refused() -> None:
    pieces = [
        Piece("5 + 3 = 8 apples.", "thought", 1, True),
        Piece("8 * 4 = 32 pears.", "thought", 2, True),
        Piece("32 - 9 = 23 plums.", "thought", 3, True),
    ]
    assert check(
        pieces, None, "First 8 * 4 = 32 pears. Then 5 + 3 = 8 apples. Last, 32 - 9 = 23 plums."
    ).complaints


def test_an_equation_may_be_added_if_it_holds() -> None:
    pieces = [Piece("15% of 80 is 12.", "thought", 1, True)]
    assert not check(pieces, "12", "10% of it: 80 / 10 = 8. So 15% of 80 is 12.").complaints
    assert check(pieces, "12", "About 9 of them, so 15% of 80 is 12.").complaints


def test_a_way_back_without_its_words_is_no_way_back() -> None:
    pieces = [
        Piece("7 * 8 = 54", "thought", 1, False),
        Piece("Wait, 7 * 8 is 56; back to the beginning.", "way back", 1, False, "7 * 8 is 56"),
        Piece("7 * 8 = 56", "thought", 2, True),
    ]
    assert not check(
        pieces, None, "7 × 8 = 54. No, 7 times 8 is 56. Let me start over: 7 × 8 = 56."
    ).complaints
    lost = check(pieces, None, "7 × 8 = 54. No, 7 times 8 is 56. So 7 × 8 = 56.").complaints
    assert any("way back" in line for line in lost)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000 tickets", "1000 tickets"),
        ("1{,}000", "1000"),
        ("\\frac{48}{2}", "48/2"),
        ("\\dfrac12", "1 / 2"),
        ("3 × 4", "3 \\times 4"),
        ("3 times 4", "3*4"),
        ("seven", "7"),
        ("five hundred", "500"),
        ("$x^2$", "x²"),
        ("2.50", "2.5"),
        ("minus 3", "-3"),
        ("50 percent", "50%"),
    ],
)
def test_ways_to_write_one_value(one: str, other: str) -> None:
    def read(text: str) -> list[object]:
        return [token.key for token in tokens(f"so {text} here") if token.kind != "word"]

    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("12 - 5 = 7", "7 = 12 - 5", True),
        ("3 * (4 + 1) = 15", "(1 + 4) * 3 = 15", True),
        ("12 - 5 = 7", "7 - 5 = 12", False),
        ("x + 3 = 7", "7 = 3 + x", True),
        ("x - 3 = 7", "3 - x = 7", False),
    ],
)
def test_equations_are_their_sides(one: str, other: str, same: bool) -> None:
    (first,), (second,) = (list(equalities(tokens(text))) for text in (one, other))
    assert (first.sides == second.sides) is same


@given(st.text(max_size=300))
def test_any_text_is_read_in_order(text: str) -> None:
    found = tokens(text)
    places = [(token.start, token.cut, token.end) for token in found]
    assert all(0 <= cut <= end <= len(text) and start < end for start, cut, end in places)
    assert [start for start, _, _ in places] == sorted(start for start, _, _ in places)


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6), st.text(max_size=200))
def test_spans_are_the_whole_rewrite(steps: list[str], rewrite: str) -> None:
    pieces = [Piece(text, "thought", number, True) for number, text in enumerate(steps, start=1)]
    for text in (rewrite, joined(pieces)):
        found = check(pieces, None, text)
        if found.spans:
            assert "".join(text[start:end] for start, end in found.spans) == text


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_a_number_changed_anywhere_in_a_chain_is_seen(seed: int) -> None:
    random = Random(seed)
    value, steps = random.randint(2, 50), list[str]()
    for _ in range(4):
        other = random.randint(2, 50)
        steps.append(f"{value} + {other} = {value + other}")
        value += other
    pieces = [Piece(text, "thought", number, True) for number, text in enumerate(steps, start=1)]
    place = random.randrange(len(steps))
    numbers = steps[place].replace("+", " ").replace("=", " ").split()
    old = random.choice(numbers)
    new = str(int(old) + random.choice((-1, 1, 7)))
    changed = [*steps]
    changed[place] = steps[place].replace(old, new, 1)
    assert not check(pieces, str(value), ". ".join(steps)).complaints
    assert check(pieces, str(value), ". ".join(changed)).complaints


def test_numbers_beyond_reason_are_words() -> None:
    (token,) = tokens("9" * 5_000)
    assert not isinstance(token.key, Fraction)
    assert check([Piece("9" * 5_000, "thought", 1, True)], None, "8" * 5_000).complaints


def test_a_rewrite_far_longer_than_its_draft_is_not_even_read() -> None:
    assert check(PIECES, "72", "so " * 100_000).complaints == ("it is far longer than the draft",)


COUNTDOWN = [
    Piece("17-13=4 [29 4]", "thought", 1, True),
    Piece("29*4=116 [116]", "thought", 2, False),
    Piece(
        'Wait, no way from 116 to 33; let me take another step from "17-13=4 [29 4]".',
        "way back",
        2,
        False,
        "no way from 116 to 33",
    ),
    Piece("29+4=33 [33]", "thought", 3, True),
    Piece("answer: 29+17-13", "thought", 4, True),
]
ONE_WAY = (
    "Let me start by subtracting: 17 - 13 = 4, which leaves me with 29 and 4. Multiplying these, 29 × 4 = 116, so only "
    "116 is left. But wait, there's no way to get from 116 to 33, so let me go back to 17 − 13 = 4, where I had 29 and "
    "4. What if I add instead? 29 plus 4 is 33, and 33 is exactly what I need. So the answer: "
)


@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        ("29 + 17 - 13", True),
        ("17 + 29 − 13", True),
        ("29+(17-13)", True),
        ("29-17+13", False),
        ("29*(17-13)", False),
        ("33", False),
    ],
)
def test_the_answer_is_compared_as_a_calculation(answer: str, stands: bool) -> None:
    found = check(COUNTDOWN, "29+17-13", f"{ONE_WAY}{answer}.")
    assert (not found.complaints) is stands, found.complaints


def test_the_draft_of_a_long_thought_stands_and_is_cut_at_its_pieces() -> None:
    pieces = [Piece(f"So {at} + 1 = {at + 1} here.", "thought", at + 1, True) for at in range(60)]
    draft = joined(pieces)
    found = check(pieces, None, draft)
    assert [draft[start:end].rstrip() for start, end in found.spans] == [piece.text for piece in pieces]


@settings(max_examples=20, deadline=None)
@given(debates())
def test_the_draft_of_any_debate_stands(samples: list[Transcript]) -> None:
    for transcript in samples:
        pieces = Journey(solved_only=False).thought(transcript)
        if isinstance(pieces, Dropped):
            continue
        draft = joined(pieces)
        found = check(pieces, None, draft)
        assert not found.complaints
        assert "".join(draft[start:end] for start, end in found.spans) == draft
