"""The dataset card: a README.md whose front matter lets ``load_dataset(corpus, kind)`` find its files."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from longthought.synth.corpus.manifest import Manifest


def card(manifest: Manifest, data_files: Mapping[str, Mapping[str, str]]) -> str:
    """The text of the card; ``data_files`` maps kind → split → path within the corpus."""
    front = {
        "pretty_name": f"longthought corpus of {manifest.source.run}",
        "tags": ["longthought", "synthetic", "reasoning"],
        "configs": [
            {
                "config_name": kind,
                **({"default": True} if first else {}),
                "data_files": [{"split": split, "path": path} for split, path in splits.items()],
            }
            for first, (kind, splits) in _with_first(data_files)
        ],
    }
    # The dumper quotes whatever a name may hold; nothing is pasted into YAML by hand.
    matter = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=110)
    return f"---\n{matter}---\n\n{_body(manifest, data_files)}"


def _body(manifest: Manifest, data_files: Mapping[str, Mapping[str, str]]) -> str:
    informed = (
        f"{manifest.informed_left_out} informed debates (written with the answer, or its correctness, in "
        "the context) were left out."
        if manifest.informed_left_out
        else "No debate was left out for being informed; each row's `informed` says whether its debate was."
    )
    if manifest.suspects_left_out:
        informed += (
            f" {manifest.suspects_left_out} suspect debates (a text in them holds verdicts, role tags, special "
            "tokens or orders to a reader) were left out."
        )
    measured = manifest.source.critic or {}
    figures = ", ".join(
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in measured.items()
        if isinstance(value, float)
    )
    lines = [
        f"# Corpus of {_code(manifest.source.run)}",
        "",
        f"Derived by longthought {manifest.versions['longthought']} from {manifest.debates} debates on "
        f"{manifest.problems} problems between a policy, which proposes steps, and a critic, which lets "
        f"them stand, sends back, asks for reflection, or ends. {informed}",
        "",
        *([f"The critic's passport, on {_code(str(measured['data']))}: {figures}.", ""] if measured else []),
        "| kind | split | rows |",
        "|---|---|---:|",
    ]
    for kind, counts in manifest.kinds.items():
        lines += [f"| {_code(kind)} | {split} | {rows} |" for split, rows in counts.rows.items()]
    dropped = [
        f"| {_code(kind)} | {_plain(reason)} | {number} |"
        for kind, counts in manifest.kinds.items()
        for reason, number in counts.dropped.items()
    ]
    if dropped:
        lines += ["", "Not made into rows:", "", "| kind | reason | number |", "|---|---|---:|", *dropped]
    counted = [
        f"| {_code(kind)} | {_plain(what)} | {number} |"
        for kind, counts in manifest.kinds.items()
        for what, number in counts.counted.items()
    ]
    if counted:
        lines += ["", "Of the rows:", "", "| kind | | number |", "|---|---|---:|", *counted]
    if data_files:
        load = f"rows = load_dataset(corpus, {next(iter(data_files))!r})"
        lines += ["", "```python", "from datasets import load_dataset", "", load, "```"]
    lines += [
        "",
        "`manifest.json` holds the options of each kind, the hash of each file and the versions used.",
    ]
    return "\n".join(lines) + "\n"


def _with_first(
    data_files: Mapping[str, Mapping[str, str]],
) -> list[tuple[bool, tuple[str, Mapping[str, str]]]]:
    return [(number == 0, item) for number, item in enumerate(data_files.items())]


def _code(text: str) -> str:
    return f"`{_plain(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
