"""Faithful paraphrases of drafts, made by rule; for the measurement of the check (``rewrite_check``).

The rules were written before the check and know nothing of how it works. A paraphrase keeps every step, wrong branch,
reason, way back and number; it changes words, order within sentences, number formats, typography and sentence breaks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.rewrite_drafts import Draft
from benchmarks.rewrite_typography import other_latex, other_numbers, other_signs
from longthought.synth.telling.phrases import load_phrases
from longthought.synth.telling.pieces import Piece


@dataclass(frozen=True)
class Told:
    """A piece and what became of it in the paraphrase."""

    piece: Piece
    text: str


def paraphrase(draft: Draft, random: Random) -> list[Told]:
    """Every piece in other words."""
    return [Told(piece, _piece(piece, draft.answer, random)) for piece in draft.pieces]


def written(told: Sequence[Told], random: Random) -> str:
    """The paraphrased pieces as one text, some sentences merged, in paragraphs of any kind."""
    style = random.choice(("lines", "prose", "paragraphs", "mixed"))
    text = ""
    for one in told:
        piece = one.text.strip()
        if not piece:
            continue
        if not text:
            text = piece
            continue
        mergeable = (
            one.piece.kind == "thought"
            and text[-1] in ".:"
            and piece[0].isupper()
            and not re.match(r"I\b|[A-Z]{2}|Answer|The answer", piece)
            and "\n" not in piece
        )
        if mergeable and text[-1] == "." and random.random() < 0.2:
            joint = random.choice((", and then ", "; ", " — ", ", and from there ", ", after which "))
            first = piece if re.match(r"[A-Z][a-z]+\b", piece) is None or _is_name(piece) else _lower(piece)
            text = text[:-1] + joint + first
        else:
            match style:
                case "lines":
                    gap = "\n"
                case "paragraphs":
                    gap = "\n\n"
                case "prose":
                    gap = " " if text[-1] in ".!?:…" else ". "
                case _:
                    gap = random.choice(("\n", "\n\n", " " if text[-1] in ".!?:…" else ". "))
            text += gap + piece
    return text


# --- pieces ----------------------------------------------------------------------------------------------------

_OPENINGS = (
    "Okay, ", "So, ", "Right, ", "Let me see: ", "Now, ", "Next, ", "Alright, ", "Hmm, let me think. ", "Let's see… ",
    "Moving on: ", "With that in hand, ", "Here is what I get: ", "Well, ", "I think that ", "As I see it, ",
)  # fmt: skip
_CLOSINGS = (
    " That seems fine.", " Good so far.", " At least I think so.", " Let me keep that in mind.", " Easy enough.",
    " So far, so good.", " That looks plausible.", " Noted.",
)  # fmt: skip
_BACK = (
    "Hmm, {why}. I had better return to {step}.",
    "Scratch that: {why}. Starting over from {step}:",
    "That fails, since {why}. Let me rewind to the point where I had {step}.",
    "Oh no, {why}! Going back to {step}, is there another option?",
    "But wait — {why}. OK, so I drop this and pick up again at {step}.",
    "This cannot be right: {why}. Returning to {step}, let me try a different route.",
    "I should stop here, because {why}. From {step}, then, something else:",
    "Actually, {why}, so this branch is dead. Once again from {step}.",
)
_TO_PROBLEM = (
    "Hmm, {why}. Back to square one.",
    "Scratch that: {why}. I'll start from scratch.",
    "That fails, since {why}. Let me begin anew.",
    "Oh no, {why}! I need to start over completely.",
    "Actually, {why}, so let me go back to the very start and think again.",
    "I should stop here, because {why}. A fresh start, then:",
)
_REFLECT = (
    "One moment: {why}.",
    "Is this right? {why}.",
    "Let me double-check: {why}.",
    "Hmm, hold on. {why}.",
    "Something bothers me: {why}.",
)
_UNREASONED = (
    "this seems wrong",
    "something is not right here",
    "I doubt that this is right",
    "this looks off",
)
_TOLD_WRONG = (
    "That answer turned out to be wrong, so a step above must contain an error.",
    "Hmm, the answer is not right. Where is the mistake?",
    "Wrong answer! Let me look for what went wrong.",
)
_ENDS = ("Done.", "That does it.", "And that is it.", "Great, this settles the matter.", "")
ANSWERS = (
    "So the answer is {answer}.",
    "Final answer: {answer}",
    "Therefore, the answer is {answer}.",
    "Answer: {answer}",
    "In conclusion, the answer is \\boxed{{{answer}}}.",
    "Hence the answer comes out as {answer}.",
)
ANSWER_LINE = re.compile(r"^answer: (?P<answer>.+)$", re.I | re.M)
QUOTED = re.compile(r'"(?P<step>[^\n]*)"')
BANK = load_phrases()


def _piece(piece: Piece, answer: str, random: Random) -> str:
    match piece.kind:
        case "thought" | "turning thought":
            return _thought(piece.text, random)
        case "end":
            return random.choice(_ENDS) if not piece.why else f"{piece.text}"
        case "way back":
            return way_back(piece, random)


def way_back(piece: Piece, random: Random, *, reason: bool = True) -> str:
    """A way back in other words, or with its reason left out."""
    if not piece.why:
        return random.choice(_TOLD_WRONG)
    frame = piece.text.replace(piece.why, "", 1)
    why = random.choice(_UNREASONED) if piece.why in BANK.no_reason else _reworded(piece.why, random)
    why = why.rstrip(".")
    steps = list(QUOTED.finditer(frame))
    if steps:
        phrase = random.choice(_BACK) if reason else random.choice(("Back to {step}.", "So, from {step}:"))
        return phrase.replace("{why}", why).replace("{step}", _target(steps[-1]["step"], random))
    if re.search(r"\b(?:begin|start)", frame):
        phrase = random.choice(_TO_PROBLEM) if reason else "Back to the start."
        return phrase.replace("{why}", why)
    return random.choice(_REFLECT).replace("{why}", why) if reason else "Let me check that."


def _target(step: str, random: Random) -> str:
    # A list of the numbers that are left is not what one calls a step by.
    if random.random() < 0.4:
        step = re.sub(r" \[[\d ]+\]$", "", step)
    return random.choice(('"{}"', "“{}”", "the step {}", "where I had {}", "`{}`")).format(step)


def _thought(text: str, random: Random) -> str:
    lines = [line for line in text.split("\n")]
    said = "\n".join(
        _answered(line, random) if ANSWER_LINE.fullmatch(line) else reworded_line(line, random)
        for line in lines
    )
    if ANSWER_LINE.search(text) and len(lines) == 1:
        return said
    if random.random() < 0.4:
        opening = random.choice(_OPENINGS)
        said = opening + (_lower(said) if opening[-2] in ",t" and not _is_name(said) else said)
    if random.random() < 0.2 and "\n" not in said:
        said = said + ("" if said[-1] in ".!?" else ".") + random.choice(_CLOSINGS)
    return said


def _answered(line: str, random: Random) -> str:
    answer = ANSWER_LINE.fullmatch(line)
    assert answer is not None
    shown = answer["answer"]
    if re.fullmatch(r"\d[\d+\-*/() ]+", shown) and random.random() < 0.5:
        shown = re.sub(r"\s*([+\-*/])\s*", r" \1 ", shown)
        if random.random() < 0.5:
            shown = shown.replace("*", "×")
    elif re.fullmatch(r"\d{4,}", shown) and random.random() < 0.5:
        shown = f"{int(shown):,}"
    return random.choice(ANSWERS).format(answer=shown)


def reworded_line(line: str, random: Random) -> str:
    """One line of a step in other words, order and typography."""
    line = re.sub(r" \[([\d ]+)\]$", lambda found: _left_over(found[1].split(), random), line)
    line = _reordered(line, random)
    line = _split(line, random)
    line = _reworded(line, random)
    line = other_latex(line, random) if "$" in line or "\\" in line else other_signs(line, random)
    return other_numbers(line, random)


def _left_over(numbers: list[str], random: Random) -> str:
    listed = " and ".join(filter(None, (", ".join(numbers[:-1]), numbers[-1])))
    return random.choice(
        (
            f" [{' '.join(numbers)}]",
            f" (left: {', '.join(numbers)})",
            f", which leaves {listed}",
            f", with {listed} remaining",
            f". Now I have {listed}",
        )
    )


# --- words -----------------------------------------------------------------------------------------------------

_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\bso\b", ("therefore", "thus", "hence", "and so")),
    (r"\bthen\b", ("after that", "next", "afterwards")),
    (r"\bbecause\b", ("since", "as")),
    (r"\bsince\b", ("because", "as")),
    (r"\bhowever\b", ("but", "yet")),
    (r"\bbut\b", ("yet", "although")),
    (r"\baltogether\b", ("in total", "in all")),
    (r"\bin total\b", ("altogether", "all in all")),
    (r"\blet's\b", ("let us", "I will", "let me")),
    (r"\bwe have\b", ("we get", "there is", "I have")),
    (r"\bwe need to\b", ("we must", "I have to", "it is necessary to")),
    (r"\bwe can\b", ("I can", "one can", "it is possible to")),
    (r"\bwe know that\b", ("it is known that", "I know that", "we are told that")),
    (r"\bwe\b", ("I", "we")),
    (r"\bis not\b", ("isn't", "is not")),
    (r"\bcannot\b", ("can't", "can not")),
    (r"\bdo not\b", ("don't",)),
    (r"\bdoes not\b", ("doesn't",)),
    (r"\bthat is\b", ("which is", "i.e.")),
    (r"\bthere are\b", ("that makes", "we count", "there are")),
    (r"\bmeans\b", ("implies", "tells us")),
    (r"\bfind\b", ("determine", "work out")),
    (r"\balso\b", ("in addition", "too")),
    (r"\bnow\b", ("at this point", "now")),
)
#: Words that carry what a step says; seldom changed, as a good rewriter keeps the problem's own terms.
_CONTENT: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\btotal\b", ("sum", "overall")),
    (r"\bgives\b", ("yields", "makes")),
    (r"\bearned\b", ("made",)),
    (r"\bcost\b", ("come to", "set him back")),
    (r"\bbought\b", ("purchased",)),
    (r"\bsold\b", ("handed over",)),
    (r"\bmore\b", ("extra", "additional")),
    (r"\bwrong\b", ("incorrect", "mistaken")),
    (r"\bcalculation\b", ("computation",)),
    (r"\bexpression\b", ("term",)),
    (r"\bequation\b", ("relation",)),
    (r"\bsimplify\b", ("reduce", "tidy up")),
    (r"\bgets\b", ("receives",)),
)


def _reworded(text: str, random: Random) -> str:
    for table, chance in ((_WORDS, 0.5), (_CONTENT, 0.3)):
        for pattern, others in table:
            if random.random() < chance:
                text = _one_of(re.compile(pattern, re.I), others, text, random)
    return text


def _one_of(pattern: re.Pattern[str], others: tuple[str, ...], text: str, random: Random) -> str:
    return pattern.sub(lambda found: _cased(random.choice(others), found[0]), text)


def _reordered(line: str, random: Random) -> str:
    """Clauses of one sentence in another order."""
    if random.random() > 0.5 or "\n" in line:
        return line
    if found := re.fullmatch(r"(?P<a>[A-Z][^.,;:]+) because (?P<b>[^.;:]+)\.", line):
        return f"Because {found['b']}, {_lower_name(found['a'])}."
    if found := re.fullmatch(r"Because (?P<b>[^.,;:]+), (?P<a>[^.;:]+)\.", line):
        return f"{found['a'][0].upper()}{found['a'][1:]}, because {found['b']}."
    if found := re.fullmatch(r"(?P<a>[A-Z][^.,;:$]+), so (?P<b>[^.;:$]+)\.", line):
        return f"{found['b'][0].upper()}{found['b'][1:]}, since {_lower_name(found['a'])}."
    if found := re.fullmatch(
        r"(?P<lead>(?:In|On|At|After|During|For) [^.,;:$=\d]+), (?P<rest>[^.;:]+)\.", line
    ):
        return f"{found['rest'][0].upper()}{found['rest'][1:]} {_lower(found['lead'])}."
    return line


def _split(line: str, random: Random) -> str:
    if random.random() < 0.3:
        return re.sub(r"(?<=[a-z\d]), (so|and|which means|thus) (?=[a-z]{3,} )", _new_sentence, line, count=1)
    return line


def _new_sentence(found: re.Match[str]) -> str:
    return ". " + {"so": "So ", "and": "And ", "which means": "That means ", "thus": "Thus "}[found[1]]


_COMMON = re.compile(
    r"(?:The|This|That|There|These|Then|So|If|In|On|At|We|It|He|She|They|A|An|For|Now|Since|Because|To|And|But)\b"
)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if not re.match(r"I\b|[A-Z]{2}|[A-Z]\b", text) else text


def _lower_name(text: str) -> str:
    return text if _is_name(text) else _lower(text)


def _is_name(text: str) -> bool:
    return re.match(r"[A-Z]", text) is not None and _COMMON.match(text) is None


def _cased(word: str, like: str) -> str:
    return word[0].upper() + word[1:] if like[0].isupper() else word
