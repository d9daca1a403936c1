"""Random debates, as they were really played by scripted seats, for property tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import strategies as st

from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from tests.synth.scripted_runs import Script, play_run

# Anything a model may write, with the characters that templates, YAML and line readers stumble over.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from('{}"\n\u2028%'),
    min_size=1,
    max_size=30,
)
STEP = TEXT | st.sampled_from(["answer: 4", "answer: 5", "{why}", "{step}"])
VERDICT = (
    st.sampled_from(["continue", "continue", "terminate solved", "terminate solved", "hm"])
    | st.builds("backtrack {}: {}".format, st.integers(0, 4), TEXT)
    | st.builds("reflect: {}".format, TEXT)
)


@st.composite
def debates(draw: st.DrawFn) -> list[Transcript]:
    """Two random samples of a problem as they were really played; they end in every way that debates do."""
    scripts = [
        Script(
            # The tail lets most debates end; the script must not run dry, which would end the run.
            [*draw(st.lists(STEP, max_size=8)), *[f"answer: {draw(st.sampled_from([4, 4, 5]))}"] * 400],
            [*draw(st.lists(VERDICT, max_size=8)), *["terminate solved"] * 400],
            epoch=epoch,
        )
        for epoch in range(2)
    ]
    transcripts: list[Transcript] = []
    for script in scripts:
        with tempfile.TemporaryDirectory() as directory:
            play_run(Path(directory), [script], tell=draw(st.booleans()), turns=12)
            transcripts += read_transcripts(Path(directory))
    return transcripts
