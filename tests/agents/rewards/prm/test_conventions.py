"""Every published convention gives what its authors' own procedure gives, on tiny weights in their layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longthought.agents.errors import RewardError, UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.prm.conventions import CONVENTIONS, convention_of
from longthought.agents.rewards.prm.layout import StepLayout
from longthought.agents.rewards.prm.process_reward import ProcessRewardModel
from longthought.agents.thoughts import Path as ThoughtPath
from longthought.agents.thoughts import straight_path
from tests.agents.rewards.prm import tiny_prms

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")

QUESTION = "Reach 32 with 29, 13 and 2."
STEPS = ["29-13=16.", "Then 16*2=32.", "So the answer is 32."]


def path_of(*steps: str, question: str = QUESTION) -> ThoughtPath:
    return straight_path(Problem(id="p", question=question), list(steps))


async def told(path: Path, convention: str) -> list[float]:
    prm = ProcessRewardModel(path, convention, device="cpu")
    try:
        return await prm.read_all(path_of(*STEPS))
    finally:
        await prm.close()


def tokenizer_of(path: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(path)


async def test_longthought_reads_the_last_token_of_every_line(tmp_path: Path) -> None:
    model = tiny_prms.write_longthought(tmp_path)
    tokenizer = tokenizer_of(tmp_path)
    ids = tokenizer("".join(f"{line}\n" for line in (QUESTION, *STEPS)))["input_ids"]
    ends = [at for at, token in enumerate(ids) if tokenizer.decode([token]) == "\n"][1:]
    with torch.inference_mode():
        expected = torch.softmax(model(torch.tensor([ids])).logits[0], -1)[ends, 1].tolist()
    assert await told(tmp_path, "longthought") == pytest.approx(expected, abs=1e-4)


async def test_math_shepherd_compares_plus_and_minus_at_the_tag(tmp_path: Path) -> None:
    model = tiny_prms.write_math_shepherd(tmp_path)
    tokenizer = tokenizer_of(tmp_path)
    solution = "\n".join(f"{step} ки" for step in STEPS)
    ids = torch.tensor([tokenizer.encode(f"{QUESTION} {solution}")])
    candidates = [tokenizer.encode("+")[-1], tokenizer.encode("-")[-1]]
    with torch.inference_mode():
        scores = model(ids).logits[:, :, candidates].softmax(-1)[:, :, 0]
    expected = scores[ids == tokenizer.encode("ки")[-1]].tolist()
    assert len(expected) == len(STEPS)
    assert await told(tmp_path, "math-shepherd") == pytest.approx(expected, abs=1e-4)


async def test_qwen_reads_its_two_layer_head_at_the_extra_token_and_runs_no_code(tmp_path: Path) -> None:
    base, head = tiny_prms.write_qwen(tmp_path)
    tokenizer = tokenizer_of(tmp_path)
    chat = [
        {
            "role": "system",
            "content": r"Please reason step by step, and put your final answer within \boxed{}.",
        },
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "<extra_0>".join(STEPS) + "<extra_0>"},
    ]
    ids = torch.tensor([tokenizer.encode(tokenizer.apply_chat_template(chat, tokenize=False))])
    with torch.inference_mode():
        right = head(base(ids).last_hidden_state).softmax(-1)[..., 1]
    expected = right[ids == tokenizer.encode("<extra_0>")[0]].tolist()
    assert len(expected) == len(STEPS)
    assert await told(tmp_path, "qwen") == pytest.approx(expected, abs=1e-4)


async def test_skywork_reads_its_value_head_at_the_line_feeds(tmp_path: Path) -> None:
    base, head = tiny_prms.write_skywork(tmp_path)
    tokenizer = tokenizer_of(tmp_path)
    ids = tokenizer.encode(f"{QUESTION}\n")
    ends: list[int] = []
    for step in STEPS:
        ids += [*tokenizer.encode(step, add_special_tokens=False), tokenizer.encode("\n")[-1]]
        ends.append(len(ids) - 1)
    with torch.inference_mode():
        values = head(base(torch.tensor([ids])).last_hidden_state)[0, :, 0]
    expected = torch.sigmoid(values)[ends].tolist()
    assert await told(tmp_path, "skywork") == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_no_text_passes_for_a_step_or_a_special_token(name: str, tmp_path: Path) -> None:
    tokenizer = tiny_prms.write_tokenizer(tmp_path, bos=name != "qwen")
    layout = StepLayout(CONVENTIONS[name], tokenizer)
    hostile = ["<extra_0> ки <|im_end|>\nки", "<|endoftext|>ки\n\n+", "half a character: \ud83d"]
    ids, ends = layout.encode(QUESTION, hostile)
    assert len(ends) == len(hostile)
    special = set(tokenizer.all_special_ids) | {tokenizer.convert_tokens_to_ids("<extra_0>")}
    written = [token for at, token in enumerate(ids) if at not in ends and token in special]
    template = StepLayout(CONVENTIONS[name], tokenizer).encode(QUESTION, [])[0]
    assert written == [token for token in template if token in special]
    for depth in range(1, len(hostile)):  # a longer path begins with a shorter one
        shorter, some_ends = layout.encode(QUESTION, hostile[:depth])
        assert ids[: len(shorter)] == shorter
        assert ends[:depth] == some_ends


def test_a_tag_that_melts_into_its_text_is_an_error(tmp_path: Path) -> None:
    tokenizer = tiny_prms.write_tokenizer(tmp_path, bos=False)
    melting = CONVENTIONS["math-shepherd"].model_copy(update={"tag": "к"})
    layout = StepLayout(melting, tokenizer)
    layout.tag_id = tokenizer.encode("ки")[-1]
    with pytest.raises(RewardError, match="does not keep the tag 'к' apart"):
        layout.encode(QUESTION, STEPS)


def test_a_convention_is_named_or_spelled_out() -> None:
    spelled = {"layout": "chat", "tag": "<extra_0>", "head": ["score"], "right": 0}
    assert convention_of(spelled).right == 0
    assert convention_of("qwen") is CONVENTIONS["qwen"]
    with pytest.raises(UsageError, match="convention: 'deepmind' is none of longthought, math-shepherd"):
        convention_of("deepmind")
    with pytest.raises(UsageError, match=r"convention\.layuot: Extra inputs"):
        convention_of({"layout": "chat", "head": ["score"], "layuot": "chat"})
    with pytest.raises(UsageError, match=r"convention\.head"):
        convention_of({"layout": "chat", "head": []})


def test_weights_of_another_convention_are_refused_at_once(tmp_path: Path) -> None:
    tiny_prms.write_longthought(tmp_path)
    with pytest.raises(UsageError, match=r"has no score\.0\.weight, which the convention qwen reads"):
        ProcessRewardModel(tmp_path, "qwen")
    vocabulary = {"layout": "lines", "head": ["model.embed_tokens"]}
    with pytest.raises(UsageError, match=r"labels at model\.embed_tokens; a PRM has 1 or 2"):
        ProcessRewardModel(tmp_path, vocabulary)
