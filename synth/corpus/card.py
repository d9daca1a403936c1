"""The dataset card: a README.md whose front matter lets ``load_dataset(corpus, kind)`` find its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import yaml

from longthought.synth.corpus.licences import front_matter
from longthought.synth.corpus.manifest import Manifest, Source

#: The hub's classes of size, by the most rows of each.
_SIZES = [
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
]


def card(manifest: Manifest, data_files: Mapping[str, Mapping[str, str]]) -> str:
    """The text of the card; ``data_files`` maps config → split → path or pattern in the corpus."""
    rows = sum(sum(counts.rows.values()) for counts in manifest.kinds.values())
    front = {
        "pretty_name": f"longthought corpus of {' and '.join(source.run for source in manifest.sources)}",
        **front_matter(manifest.licences),
        "size_categories": [next((name for most, name in _SIZES if rows < most), "10M<n<100M")],
        "tags": ["longthought", "synthetic", "reasoning"],
        "configs": [
            {
                "config_name": kind,
                **({"default": True} if number == 0 else {}),
                "data_files": [{"split": split, "path": path} for split, path in splits.items()],
            }
            for number, (kind, splits) in enumerate(data_files.items())
        ],
    }
    # The dumper quotes whatever a name may hold; nothing is pasted into YAML by hand.
    matter = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{matter}---\n\n" + "\n".join(_body(manifest, data_files)) + "\n"


def _body(manifest: Manifest, data_files: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    yield f"# Corpus of {' and '.join(_code(source.run) for source in manifest.sources)}"
    yield ""
    yield f"Derived by longthought {manifest.versions['longthought']} from {_made_of(manifest)}. {_informed(manifest)}"
    yield ""
    for source in manifest.sources:
        yield from _passport(source)
    yield from _table("kind | split | rows", _rows(manifest))
    yield ""
    yield from _sources(manifest)
    yield from _left_out(manifest)
    yield from _counted(manifest)
    if data_files:
        yield from ("```python", "from datasets import load_dataset", "")
        yield f"rows = load_dataset(corpus, {next(iter(data_files))!r})"
        yield from ("```", "")
    yield (
        "**Untrusted text.** Questions and thoughts were written by data sets and models, and may hold markup, links, "
        "code, formulas of spreadsheets, or orders to whoever reads them. Show them as plain text and run nothing."
    )
    yield ""
    yield (
        "`manifest.json` holds the options of each kind, their seeds, the filters, the hash of each file and the "
        "versions used."
    )


def _made_of(manifest: Manifest) -> str:
    played = manifest.debates - manifest.imported
    debates = (
        f"{played} debates between a policy, which proposes steps, and a critic, which lets them stand, sends "
        "back, asks for reflection, or ends"
    )
    imported = (
        f"{manifest.imported} imported thoughts and trees of others, in which decisions are guessed from words or "
        "taken from ratings, so that labels and masks rest on guesses"
    )
    told = [text for text, number in ((debates, played), (imported, manifest.imported)) if number]
    return f"{' and '.join(told)}, on {manifest.problems} problems"


def _informed(manifest: Manifest) -> str:
    said = (
        f"{manifest.informed_left_out} informed debates (written with the answer, or its correctness, in "
        "the context) were left out."
        if manifest.informed_left_out
        else "No debate was left out for being informed; each row's `informed` says whether its debate was."
    )
    if manifest.suspects_left_out:
        said += (
            f" {manifest.suspects_left_out} suspect debates (a text in them holds verdicts, role tags, special "
            "tokens or orders to a reader) were left out."
        )
    if manifest.neutralised:
        said += (
            f" In {manifest.neutralised} debates a text spelled special tokens or thought tags; a space was put into "
            "each, so that no tokenizer takes them for its own."
        )
    return said


def _passport(source: Source) -> Iterator[str]:
    measured = source.critic or {}
    figures = ", ".join(
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in measured.items()
        if isinstance(value, float)
    )
    if measured:
        yield f"The critic's passport, on {_code(str(measured['data']))}: {figures}."
        yield ""


def _rows(manifest: Manifest) -> Iterator[str]:
    for kind, counts in manifest.kinds.items():
        for split, rows in counts.rows.items():
            yield f"{_code(kind)} | {split} | {rows}"


def _sources(manifest: Manifest) -> Iterator[str]:
    if len(manifest.sources) > 1:
        lines = [
            f"{_code(source.run)} | {_code(source.licence or 'not named')} | {source.debates}"
            for source in manifest.sources
        ]
        yield from _table("source | licence | debates", lines)
        yield ""
    if manifest.licences:
        yield f"Licences: {', '.join(map(_code, manifest.licences))}."
    else:
        yield "No licence of the sources was named; find out before you pass this on."
    yield ""


def _left_out(manifest: Manifest) -> Iterator[str]:
    dropped = [
        f"{_code(kind)} | {_code(reason)} | {number}"
        for kind, counts in manifest.kinds.items()
        for reason, number in counts.dropped.items()
    ]
    yield from _section("Not made into rows:", "kind | reason | number", dropped)
    missing = [
        f"{_code(kind)} | {form} | {_code(reason)} | {number}"
        for kind, counts in manifest.kinds.items()
        for form, reasons in counts.left_out.items()
        for reason, number in reasons.items()
    ]
    told = "Rows that a format has no place for, and that stand in the others:"
    yield from _section(told, "kind | format | reason | number", missing)


def _counted(manifest: Manifest) -> Iterator[str]:
    counted = [
        f"{_code(kind)} | {_plain(what)} | {number}"
        for kind, counts in manifest.kinds.items()
        for what, number in counts.counted.items()
    ]
    yield from _section("Of the rows that were made, filters aside:", "kind | | number", counted)


def _section(told: str, header: str, lines: Sequence[str]) -> Iterator[str]:
    """A table and what it tells; nothing where it has no lines."""
    if lines:
        yield from (told, "")
        yield from _table(header, lines)
        yield ""


def _table(header: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"| {header} |"
    columns = header.count("|")
    yield "|" + "---|" * columns + "---:|"
    for line in lines:
        yield f"| {line} |"


def _code(text: str) -> str:
    return f"`{_plain(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
