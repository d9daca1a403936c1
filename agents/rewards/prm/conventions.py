"""How a published process reward model is asked: how steps are set, where it is read, what its outputs mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error

#: ``lines``: question and steps, one a line, each tokenised by itself. ``text``: ``{question} {step} {tag}``, every
#: further step on a line of its own, tokenised as one text. ``chat``: the chat template, all steps in one reply.
LayoutName = Literal["lines", "text", "chat"]


class Convention(BaseModel):
    """What one family of process reward models wants. Probabilities are read at the last token of every step.

    The head is one or more linear layers on the last hidden state, with a ReLU between two layers. Of one output the
    sigmoid is the probability that the step is right, of two outputs the softmax.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "custom"
    layout: LayoutName
    #: What ends a step and is read there; its last token if it has several. Empty: the line's own last token.
    tag: str = ""
    #: The system message of ``chat``.
    system: str = ""
    #: Names of the head's linear layers among the weights, the first one first.
    head: tuple[str, ...] = Field(min_length=1)
    #: The words for right and wrong, where the last layer is the vocabulary's: only their rows are computed.
    words: tuple[str, str] | None = None
    #: Which one of two outputs says *right*.
    right: Literal[0, 1] = 1


#: This project's own (``longthought train prm``): transformers' token classification head with the labels wrong and
#: right, at the line feed that ends each step.
LONGTHOUGHT = Convention(name="longthought", layout="lines", head=("score",))

#: Math-Shepherd (Wang et al. 2024, arXiv 2312.08935), as the card of peiyi9979/math-shepherd-mistral-7b-prm asks it:
#: at the tag ки the logits of ``+`` and ``-`` (tokens 648 and 387; the tag is 12902), softmax of the two. A step's line
#: breaks become spaces here, for a step is a line there.
MATH_SHEPHERD = Convention(
    name="math-shepherd", layout="text", tag="ки", head=("lm_head",), words=("+", "-"), right=0
)

#: Qwen2.5-Math-PRM (Zhang et al. 2025, arXiv 2501.07301), as the cards of Qwen/Qwen2.5-Math-PRM-7B and -72B ask it,
#: and Qwen/Qwen2.5-Math-7B-PRM800K: Linear, ReLU, Linear to two labels at every ``<extra_0>``. The system message ends
#: its sentence as the cards have it. The reply is left open, which a causal model cannot see at an earlier token.
QWEN = Convention(
    name="qwen",
    layout="chat",
    tag="<extra_0>",
    system="Please reason step by step, and put your final answer within \\boxed{}.",
    head=("score.0", "score.2"),
)

#: Skywork-o1-Open-PRM (Skywork/Skywork-o1-Open-PRM-Qwen-2.5-1.5B and -7B), whose input is prepared as in
#: github.com/SkyworkAI/skywork-o1-prm-inference: each step tokenised by itself, then the line feed's token, where TRL's
#: value head is read. A step's own line breaks become spaces here, which there would make it several steps.
SKYWORK = Convention(name="skywork", layout="lines", tag="\n", head=("v_head.summary",))

CONVENTIONS = {each.name: each for each in (LONGTHOUGHT, MATH_SHEPHERD, QWEN, SKYWORK)}


def convention_of(said: str | Mapping[str, Any]) -> Convention:
    """A convention by its name, or spelled out.

    Raises:
        UsageError: there is none of that name, or it is not spelled as one.
    """
    if isinstance(said, str):
        if said not in CONVENTIONS:
            raise UsageError(f"convention: {said!r} is none of {', '.join(CONVENTIONS)}; or spell one out")
        return CONVENTIONS[said]
    try:
        return Convention.model_validate(said)
    except ValidationError as error:
        raise UsageError(first_error(error, "convention")) from error
