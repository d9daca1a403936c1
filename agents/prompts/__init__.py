"""The prompt files, and how they are rendered: Jinja with StrictUndefined, so a missing value is an error, not a gap.

A prompt set is a family of files ``<set>.<part>.md``; a directory with files ``<part>.md`` is a user's own set.

Text that nobody here wrote enters a prompt as ``{{ text | fenced }}``, between fences that it cannot close.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from longthought.agents.errors import UsageError

#: What the seats need; ``quote`` is how the critic is shown a problem and a step.
PARTS = ("policy", "critic", "shared", "policy_cue", "critic_cue", "quote")

#: What a template may be given.
Value = str | int | bool | tuple[str, ...]

_BACKTICKS = re.compile("`+")


class Prompts:
    """One set of prompts. ``name`` is a set shipped here (``default``, ``terse``) or a directory.

    Args:
        parts: those that are asked for; the seats' unless given.

    Raises:
        UsageError: the set or one of its parts is missing, or a template is broken; the line names the file.
    """

    def __init__(
        self, name: str = "default", base_dir: Path | None = None, parts: Sequence[str] = PARTS
    ) -> None:
        self.name = name
        sources = {part: _source(name, part, base_dir, parts) for part in parts}
        #: The text of every part, for manifests: a changed prompt is a changed scenario.
        self.texts = {part: text for part, (_, text) in sources.items()}
        self._templates = {part: _compile(file, text) for part, (file, text) in sources.items()}
        # Cues recur turn after turn; a Jinja render costs as much as the rest of a turn's bookkeeping.
        self._cached = lru_cache(maxsize=4096)(self._render)

    def render(self, part: str, **values: Value) -> str:
        """The part with its values, stripped of outer white space.

        Raises:
            UsageError: the template asks for a value that it is not given.
        """
        return self._cached(part, tuple(sorted(values.items()))).strip()

    def quoted(self, text: str) -> str:
        """``text`` as the set shows it to whoever judges it, its outer white space too."""
        return self._cached("quote", (("text", text),))

    def _render(self, part: str, values: tuple[tuple[str, Value], ...]) -> str:
        try:
            return self._templates[part].render(dict(values))
        except TemplateError as error:
            raise UsageError(f"prompt {self.name}.{part}: {error}") from error


def fenced(text: str) -> str:
    """``text`` as data: in a fence that it cannot close, for it is longer than any run of backticks in it.

    The fence depends on the text alone, so that prompts stay the same for prefix caches and replay.
    """
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _source(name: str, part: str, base_dir: Path | None, parts: Sequence[str]) -> tuple[str, str]:
    shipped = resources.files(__name__) / f"{name}.{part}.md"
    if "/" not in name and shipped.is_file():
        return f"{name}.{part}.md", shipped.read_text("utf-8")
    own = (base_dir or Path()) / name / f"{part}.md"
    if own.is_file():
        try:
            return str(own), own.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"prompt {own}: not UTF-8 ({error.reason} at byte {error.start})") from error
    raise UsageError(
        f"prompts: no set named {name!r} and no file {own}; shipped sets are default and terse, "
        f"a directory of your own needs {', '.join(f'{each}.md' for each in parts)}"
    )


def _compile(file: str, text: str) -> Template:
    # A set travels with a shared scenario, and must not bring code along.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["fenced"] = fenced
    try:
        return environment.from_string(text)
    except TemplateError as error:
        raise UsageError(f"prompt {file}: {error}") from error
