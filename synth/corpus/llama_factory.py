"""``dataset_info.json``: what LLaMA-Factory has to know of a corpus's ShareGPT files.

Its ``dataset_dir`` is then the corpus, and ``dataset`` one of the names here. Keys as its ``data/README.md`` has them.
"""

from __future__ import annotations

from typing import Any

from longthought.synth.corpus.chat_formats import Shape

NAME = "dataset_info.json"

_COLUMNS: dict[Shape, dict[str, str]] = {
    "sft": {},
    "preference": {"chosen": "chosen", "rejected": "rejected"},
    "kto": {"kto_tag": "label"},
}


def described(file_name: str, shape: Shape) -> dict[str, Any]:
    """The entry of one file, given by its path in the corpus."""
    return {
        "file_name": file_name,
        "formatting": "sharegpt",
        **({"ranking": True} if shape == "preference" else {}),
        "columns": {"messages": "conversations", "system": "system", **_COLUMNS[shape]},
    }
