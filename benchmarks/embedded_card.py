"""Writes the card of the embedded model from what was measured: ``python -m benchmarks.embedded_card``.

Reads the training records beside the weights and ``benchmarks/results/embedded_debate.json``; no number is typed in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.result_file import RESULTS

EMBEDDED = Path(__file__).parents[1] / "agents" / "embedded"


def main() -> None:
    result = json.loads((RESULTS / "embedded_debate.json").read_text())
    parts = {
        part: json.loads((EMBEDDED / part / "training.json").read_text()) for part in ("lm", "step_scorer")
    }
    parts["first"] = json.loads((EMBEDDED / "lm" / "training-first-half.json").read_text())
    config = json.loads((EMBEDDED / "lm" / "config.json").read_text())
    sizes = {part: (EMBEDDED / part / "model.safetensors").stat().st_size for part in ("lm", "step_scorer")}
    (EMBEDDED / "README.md").write_text(_card(result, parts, config, sizes), "utf-8")


def _card(
    result: dict[str, Any], parts: dict[str, dict[str, Any]], config: dict[str, Any], sizes: dict[str, int]
) -> str:
    first, lm, scorer = parts["first"], parts["lm"], parts["step_scorer"]
    lines = [
        "# The embedded model",
        "",
        "Two small models that come with longthought, so that debates run with no key, no GPU and no download:",
        "a language model that sits in both seats, and a step scorer. They know one thing, Countdown with three numbers,",
        "and make real mistakes at it. Apache-2.0, like the rest.",
        "",
        "| | language model (`lm/`) | step scorer (`step_scorer/`) |",
        "|---|---|---|",
        f"| architecture | Llama, {config['num_hidden_layers']} layers of {config['hidden_size']}, "
        f"{config['num_attention_heads']} heads, tied embeddings, {config['vocab_size']} tokens | "
        "the same with a token classification head |",
        f"| weights | {sizes['lm'] / 1e6:.1f} MB safetensors | {sizes['step_scorer'] / 1e6:.1f} MB safetensors |",
        f"| rows seen | {first['rows'] * first['epochs']:,.0f} + {lm['rows'] * lm['epochs']:,.0f} "
        f"| {scorer['rows'] * scorer['epochs']:,.0f} |",
        f"| tokens seen | {first['tokens_seen']:,} + {lm['tokens_seen']:,} | {scorer['tokens_seen']:,} |",
        f"| parameters | {lm['parameters']:,} | {scorer['parameters']:,} |",
        f"| steps | {first['steps']:,} + {lm['steps']:,} | {scorer['steps']:,} |",
        f"| final loss | {first['final_loss']:.4f}, {lm['final_loss']:.4f} | {scorer['final_loss']:.4f} |",
        "",
        "## How it was made",
        "",
        "`make tiny-model`. Scripted seats, a searcher with a known error rate and an oracle that lets some faults pass at",
        "first, debate generated puzzles. Their transcripts are exported as dialogues in which wrong steps carry no loss but",
        "dead ends do, for a policy that only ever learns steps that lead to the target learns to claim that they do. A model",
        "from random weights learns both seats from them (`train/tiny-1.yaml`), and goes on with its own debates under the",
        "oracle and with conclusions gone wrong (`train/tiny-2.yaml`). The step scorer starts from the language model and",
        "learns from the labels of an oracle that misses nothing (`train/tiny-scorer.yaml`).",
        "",
        "Problems for evaluation are disjoint from those for training by construction: a problem's numbers and target are",
        "hashed, and one hash in twenty belongs to the `eval` split, whatever seed or options drew it.",
        "",
        f"## What it can do: {result['problems']} unseen puzzles, three numbers up to 30, target 10 to 100",
        "",
        f"Measured on {result['date']} by `python -m benchmarks.embedded_debate`; the intervals are 95 % bootstrap",
        "intervals, differences are paired over the same puzzles.",
        "",
        "| arm | accuracy | 95 % | policy tokens | critic tokens | debate minus this | 95 % | McNemar p |",
        "|---|---|---|---|---|---|---|---|",
        *map(_row, result["arms"]),
        "",
        f"{result['debates_with_detour']:.0%} of the debates hold a backtrack or a reflection.",
        "",
        "## What it cannot do",
        "",
        "Anything else. Text in any language can be encoded, but outside Countdown the model writes nonsense, which is what",
        "the tests of hostile replies use it for.",
        "",
    ]
    return "\n".join(lines)


def _row(arm: dict[str, Any]) -> str:
    low, high = arm["interval"]
    cells = [
        arm["arm"],
        f"{arm['accuracy']:.1%}",
        f"{low:.1%} to {high:.1%}",
        f"{arm['policy_tokens']:.0f}",
        f"{arm['critic_tokens']:.0f}",
    ]
    versus = arm.get("debate_minus_this")
    if versus:
        low, high = versus["interval"]
        cells += [f"{versus['difference']:+.1%}", f"{low:+.1%} to {high:+.1%}", f"{versus['mcnemar_p']:.2g}"]
    else:
        cells += ["", "", ""]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
