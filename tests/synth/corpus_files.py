"""What lies in a corpus's directory, and runs of many small debates, for the tests of what writes one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from longthought.agents.decisions import Terminate
from longthought.agents.problems import Problem
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Judgement, Transcript


def hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of each file by its path in the directory."""
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


def lines(file: Path) -> list[dict[str, Any]]:
    """The records of a file of JSON lines."""
    return [orjson.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]


def solved(
    problem: str,
    text: str = "2+2 is 4",
    *,
    question: str | None = None,
    epoch: int = 0,
    run: str = "run",
    **metadata: object,
) -> Transcript:
    """A debate of one thought that ends right."""
    return Transcript(
        run=run,
        number=0,
        epoch=epoch,
        problem=Problem(id=problem, question=question or f"{problem}: 2+2?", gold="4", metadata=metadata),
        thoughts=(Thought(id=1, parent=0, kind="conclusion", text=text, answer="4"),),
        judgements=(Judgement(thought=1, decision=Terminate(reason="solved")),),
        outcome=Outcome(kind="solved", answer="4"),
        turns=1,
    )


def write(file: Path, transcripts: list[Transcript]) -> Path:
    """A file of transcripts."""
    file.write_bytes(b"".join(one.model_dump_json().encode() + b"\n" for one in transcripts))
    return file
