from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
import zstandard

from longthought.agents.errors import RunError, UsageError
from longthought.protocols.transcript_files import read_transcripts, unread_transcripts
from longthought.synth.clean.passes import Origin, Pass, texts
from longthought.synth.corpus import blocks as blocks_module
from longthought.synth.corpus.blocks import blocks
from longthought.synth.corpus.export import export
from longthought.synth.corpus.recipe import Recipe
from longthought.synth.corpus.workers import make_all
from longthought.synth.derive.kinds import KINDS
from longthought.synth.derive.rows import Row, SftRow
from tests.synth.corpus_files import hashes, lines, solved, write


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty debates on twenty problems, in blocks of four."""
    monkeypatch.setattr(blocks_module, "_DEBATES", 4)
    transcripts = [solved(f"p{at // 2}", f"thought {at}", epoch=at % 2) for at in range(40)]
    return write(tmp_path / "many.jsonl", transcripts)


def test_two_workers_write_what_one_process_writes(many: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        export(
            many,
            tmp_path / f"out{workers}",
            list(KINDS),
            validation=0.3,
            workers=workers,
            filters={"exact": {}},
        )
    assert hashes(tmp_path / "out1") == hashes(tmp_path / "out2")
    rows = lines(tmp_path / "out2" / "shortcut" / "train.jsonl")
    numbers = [int(str(row["id"])[1:-2]) for row in rows]
    assert numbers == sorted(numbers)


def test_blocks_end_between_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "_DEBATES", 4)
    problems = ["a"] * 3 + ["b"] * 5 + ["c"] * 2 + ["d"]
    source = write(tmp_path / "t.jsonl", [solved(name, epoch=at) for at, name in enumerate(problems)])
    other = write(tmp_path / "o.jsonl", [solved("d")])
    found = [[unread.problem for unread in block.unread] for block in blocks([source, other])]
    assert found == [["a"] * 3 + ["b"] * 5, ["c"] * 2 + ["d"], ["d"]]
    assert [block.source for block in blocks([source, other])] == [0, 0, 1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_line_is_named_whoever_reads_it(many: Path, tmp_path: Path, workers: int) -> None:
    content = many.read_bytes().split(b"\n")
    content[20] = b'{"version": 1, "problem": {"id": "p"}}'
    many.write_bytes(b"\n".join(content))
    with pytest.raises(UsageError, match=r"many\.jsonl:21: not a transcript: number: Field required"):
        export(many, tmp_path / "out", ["shortcut"], ["jsonl"], workers=workers)
    assert not (tmp_path / "out").exists()


def test_a_last_line_without_its_end_is_read_too(tmp_path: Path) -> None:
    source = write(tmp_path / "t.jsonl", [solved("a"), solved("b")])
    source.write_bytes(source.read_bytes()[:-1])
    assert [transcript.problem.id for transcript in read_transcripts(source)] == ["a", "b"]
    source.write_bytes(source.read_bytes()[:-30])
    with pytest.raises(UsageError, match=r"t\.jsonl:2: not a transcript"):
        list(read_transcripts(source))


def test_transcripts_are_read_however_they_are_packed(tmp_path: Path) -> None:
    source = write(tmp_path / "t.jsonl", [solved("a"), solved("b")])
    one, other, _ = source.read_bytes().split(b"\n")
    packed = {
        "t.jsonl.gz": gzip.compress(source.read_bytes()),
        "t.jsonl.zst": zstandard.compress(one + b"\n") + zstandard.compress(other + b"\n"),
    }
    for name, content in packed.items():
        (tmp_path / name).write_bytes(content)
        assert list(read_transcripts(tmp_path / name)) == list(read_transcripts(source)), name


def test_a_broken_archive_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl.zst").write_bytes(b"not zstandard at all")
    with pytest.raises(UsageError, match=r"t\.jsonl\.zst: cannot be read: ") as error:
        list(unread_transcripts(tmp_path / "t.jsonl.zst"))
    assert "\n" not in str(error.value)


class Deadly(Recipe):
    """Ends the worker that makes the second block."""

    def make(self, block):  # type: ignore[no-untyped-def]  # pyright: ignore
        if any(unread.problem == "p2" for unread in block.unread):
            os._exit(9)
        return super().make(block)


def test_a_worker_that_dies_is_an_error_and_no_wait(many: Path) -> None:
    with pytest.raises(RunError, match="a worker died"):
        list(make_all(Deadly(kinds={}), blocks([many]), 2))


class CountedRow(SftRow):
    """A row with a column more."""

    words: int


class Count(Pass):
    """Puts another row, without the words, in the place of each."""

    name: ClassVar[str] = "count"

    def row_type(self, given: type[Row]) -> type[Row]:
        if given is not SftRow:
            raise UsageError(f"count: takes SftRow rows, not {given.__name__}")
        return CountedRow

    def __call__(self, row: Row, origin: Origin) -> Row:
        words = sum(len(text.split()) for text in texts(row))
        emptied: dict[str, Any] = {**vars(row), "messages": [], "trained": [], "words": words}
        return CountedRow(**emptied)


def test_a_pass_may_put_other_rows_in_place_and_its_columns_are_those_of_the_files(
    many: Path, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        manifest = export(many, out, ["shortcut"], passes=[Count()], filters={"exact": {}}, workers=workers)
        rows = lines(out / "shortcut" / "train.jsonl")
        # Such as p: 2+2? <think> thought 1 </think> Answer: 4; the filter before saw them all differ.
        assert [row["words"] for row in rows] == [8] * 40
        (shard,) = (out / "shortcut").glob("*.parquet")
        assert parquet.read_table(shard).to_pylist() == rows
        assert list(manifest.filters) == ["exact", "count"]
    with pytest.raises(UsageError, match="count: takes SftRow rows, not StepRow"):
        export(many, tmp_path / "no", ["step_labels"], passes=[Count()])


EXPORT = """
import signal
import sys
from pathlib import Path
from longthought.synth.corpus.export import export
from longthought.synth.corpus import blocks

# Whoever runs the tests in the background of a shell has interrupts ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
blocks._DEBATES = 4
def told(debates):
    print(debates, flush=True)
    import time
    time.sleep(0.2)
export(Path(sys.argv[1]), Path(sys.argv[2]), ["journey"], ["jsonl"], workers=2, on_progress=told)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_the_export(many: Path, tmp_path: Path, how: signal.Signals) -> None:
    out = tmp_path / "out"
    export(many, out, ["shortcut"], ["jsonl"])
    before = hashes(out)
    command = [sys.executable, "-c", EXPORT, str(many), str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "4\n"
        # As a terminal's Ctrl-C does, to all of them at once.
        os.kill(child.pid, how) if how == signal.SIGKILL else os.killpg(child.pid, how)
        _, complaint = child.communicate(timeout=20)
    assert child.returncode == -how
    assert complaint.count("Traceback") == (how == signal.SIGINT)
    deadline = time.monotonic() + 10
    while _group(child.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _group(child.pid) == []
    assert hashes(out) == before


def _group(pid: int) -> list[str]:
    """The processes of a session that are still at work."""
    found: list[str] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        state, _, _, session = rest.split()[:4]
        if int(session) == pid and state != "Z":
            found.append(name)
    return found
