from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.errors import UsageError
from longthought.protocols.transcript_files import pack, read_transcripts
from longthought.synth.corpus.export import export
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import SftRow
from longthought.synth.imports.thought_in_text import find_thought
from longthought.synth.stats.plot import draw
from longthought.synth.stats.profile import BY_HARDNESS, QUARTERS, Profile, Profiler
from longthought.synth.stats.sources import UNMARKED, profiled, profiles
from longthought.synth.stats.text import counts
from longthought.synth.stats.told import Told, of_transcript


def only(source: Path) -> Profile:
    (profile,) = profiles(source)
    return profile


def test_words_lines_and_markers_of_a_text() -> None:
    found = counts("Wait, so it is 4.\n\nLet  me see. But let me wait: awaiting soup, alternatively.\n")
    assert (found.words, found.lines) == (15, 2)
    assert {marker: n for marker, n in found.markers.items() if n} == {
        "wait": 2,
        "so": 1,
        "let me": 2,
        "but": 1,
        "alternatively": 1,
    }


def test_repetition_and_loops() -> None:
    plain = " ".join(f"word{i}" for i in range(200))
    assert (counts(plain).repeated, counts(plain).loops) == (0.0, False)
    looped = counts("so we try again and again and again, " * 40)
    assert looped.repeated > 0.9
    assert looped.loops
    assert counts("").repeated == 0.0


@given(st.lists(st.sampled_from("ab"), max_size=40))
def test_repetition_is_a_share_and_doubling_a_text_repeats_half(words: list[str]) -> None:
    assert 0 <= counts(" ".join(words)).repeated < 1
    fresh = [f"{word}{i}" for i, word in enumerate(words)]
    twice = counts(" ".join(fresh + fresh))
    runs = max(0, 2 * len(fresh) - 7)
    again = max(0, len(fresh) - 7)
    assert twice.repeated == pytest.approx(again / runs if runs else 0.0)


def test_debates_are_measured_as_the_journeys_that_they_become(run: Path) -> None:
    profile = only(run)
    transcripts = list(read_transcripts(run))
    assert (profile.thoughts, profile.finished, profile.right) == (6, 6, 3)
    journeys = [row for row in Journey(solved_only=False).rows(transcripts) if isinstance(row, SftRow)]
    words: list[int] = []
    for row in journeys:
        found = find_thought(row.messages[1]["content"])
        assert found is not None
        words.append(len(found.thought.split()))
    assert profile.size is not None
    assert (profile.size.least, profile.size.most) == (min(words), max(words))
    assert profile.per_solved == pytest.approx(sum(words) / 3, abs=1e-3)
    dead = sum(len(t.thoughts) - len(t.final_path) for t in transcripts)
    assert profile.dead_nodes == pytest.approx(dead / sum(len(t.thoughts) for t in transcripts), abs=1e-4)
    assert profile.detours_per_solved == 3
    assert not profile.guessed
    pack(run)
    for journal in run.glob("journal-*"):
        journal.unlink()
    assert only(run) == profile
    assert only(run / "transcripts.jsonl.zst").model_copy(update={"name": run.name}) == profile


def test_a_corpus_has_a_profile_for_each_kind_with_solutions(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    others = ["dialogue", "step_labels", "critique", "look=critique"]
    manifest = export(run, out, ["journey", "shortcut", *others], ["jsonl"])
    assert all(sum(manifest.kinds[name].rows.values()) for name in ("critique", "look"))
    found = {profile.name: profile for profile in profiles(out)}
    assert set(found) == {"corpus/journey", "corpus/shortcut"}
    journey, shortcut = found["corpus/journey"], found["corpus/shortcut"]
    assert journey.size is not None
    assert shortcut.size is not None
    assert journey.size.median > shortcut.size.median
    solved = [of_transcript(t) for t in read_transcripts(run) if t.right]
    (direct,) = profiled("debates", solved)
    assert journey.size == direct.size
    assert (journey.dead_nodes, journey.right) == (None, 3)
    assert only(out / "journey" / "train.jsonl").size == journey.size
    export(run, out, ["journey", "shortcut"], ["parquet"])
    sizes = {name: profile.size for name, profile in found.items()}
    assert {profile.name: profile.size for profile in profiles(out)} == sizes
    export(run, out, ["journey", "shortcut"], ["openai", "sharegpt", "jsonl"])
    assert {profile.name: profile.size for profile in profiles(out)} == sizes, "each row counts once"
    export(run, out, ["journey", "shortcut"], ["sharegpt"])
    assert {profile.name: profile.size for profile in profiles(out)} == sizes


def test_foreign_files_are_two_sources_where_only_some_thoughts_are_marked(tmp_path: Path) -> None:
    rows = [
        {
            "question": "a",
            "level": 10,
            "response": "<think>\none two\n</think>\n\n\\boxed{1}",
            "correct": True,
        },
        {
            "question": "b",
            "level": 9,
            "response": "<think>\none two three\n</think>\n\n\\boxed{1}",
            "correct": False,
        },
        {"question": "c", "level": 9, "response": "<think>\none two three four"},
    ]
    file = tmp_path / "mixed.jsonl"
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    profile = only(file)
    assert (profile.name, profile.thoughts, profile.finished, profile.right) == ("mixed", 3, 2, 1)
    assert profile.per_solved == 9, "what was cut and what was wrong cost too"
    assert profile.guessed
    assert [(g.name, g.size, g.right) for g in profile.growth] == [("9", 3.0, 0.0), ("10", 2.0, 1.0)]
    bare = {"question": "d", "code": ["one\n\nanswer: 5"], "score": [True]}
    file.write_bytes(file.read_bytes() + orjson.dumps(bare) + b"\n")
    names = {profile.name: profile.thoughts for profile in profiles(file)}
    assert names == {"mixed": 3, f"mixed{UNMARKED}": 1}


def test_growth_falls_back_to_solutions_and_then_to_the_thoughts_themselves() -> None:
    def grown(thoughts: list[Told]) -> Profile:
        profiler = Profiler(len, "characters")
        for told in thoughts:
            profiler.add(told)
        return profiler.profile("x")

    lengths = range(1, 9)
    by_solution = grown([Told("x" * n, solution=100 - n) for n in lengths])
    assert by_solution.by == "length of the worked solution"
    assert [group.size for group in by_solution.growth] == [7.5, 5.5, 3.5, 1.5]
    by_thought = grown([Told("x" * n) for n in reversed(lengths)])
    assert [(group.name, group.size) for group in by_thought.growth] == list(
        zip(QUARTERS, [1.5, 3.5, 5.5, 7.5], strict=True)
    )
    assert by_thought.unit == "characters"
    assert grown([]).size is None


def test_levels_may_be_numbers_with_a_point_and_many_of_them_are_quarters(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"

    def grown(levels: list[float]) -> list[tuple[str, float]]:
        rows = [
            {"question": f"{n}", "reasoning": "x " * (n + 1), "content": "y", "difficulty": level}
            for n, level in enumerate(levels)
        ]
        file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        profile = only(file)
        assert profile.by == "level"
        return [(group.name, group.size) for group in profile.growth]

    assert grown([10.0, 2.5, 2.5]) == [("2.5", 2.5), ("10", 1.0)]
    assert grown([n / 10 for n in reversed(range(16))]) == list(
        zip(BY_HARDNESS, [14.5, 10.5, 6.5, 2.5], strict=True)
    )


def test_rows_of_a_corpus_that_are_no_solutions_stop_nothing(tmp_path: Path) -> None:
    def row(reply: object) -> dict[str, object]:
        asked = {"role": "user", "content": "q"}
        return {"messages": [asked, {"role": "assistant", "content": reply}], "trained": [False, True]}

    file = tmp_path / "train.jsonl"
    rows: list[object] = [
        row("<think>\none two\n</think>\n\nthree"),
        row("Well. <think>\none\n</think>\n\ntwo"),
        {"messages": ["q", "a"], "trained": [False, True]},
        {"messages": 4, "trained": []},
    ]
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in rows))
    sizes = {profile.name: profile.size.median for profile in profiles(file) if profile.size}
    assert sizes == {"train": 2, f"train{UNMARKED}": 5}, "text before a thought marks none"
    file.write_bytes(file.read_bytes() + b"[1]\n")
    with pytest.raises(
        UsageError, match=r"train\.jsonl:5: expected an object with named columns, not a list"
    ):
        profiles(file)


def test_the_plot_is_the_same_for_the_same_profiles(run: Path, tmp_path: Path) -> None:
    found = [*profiles(run), Profiler().profile("a $name$ <&> that is much longer than fits beside an axis")]
    for name in ("a.svg", "b.svg", "c.png"):
        draw(found, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"must end in \.svg or \.png"):
        draw(found, tmp_path / "d.pdf")


def test_nothing_to_measure_is_one_line(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "corpus", ["dialogue"], ["jsonl"])
    with pytest.raises(UsageError, match="no thought in it"):
        profiles(tmp_path / "corpus")
