"""A critic that draws several verdicts and returns the one that a reward bears out best, CriticGPT's way.

Source: McAleese et al. 2024, "LLM Critics Help Catch LLM Bugs", force-sampling beam search: critiques are sampled with
highlighted quotations forced in, and the one with the largest rm_score + LENGTH_MODIFIER · (number of highlights) is
taken. Departures: whole verdicts are sampled and no beam over their tokens is kept; quotations are asked for, not
forced; there is no reward model of critiques, so a reward that reads the step stands in for it: an objection scores
1 − reading, an assent the reading itself.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path as FilePath

from longthought.agents.calls import sample
from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import UnreadableVerdict
from longthought.agents.models.contract import Message, Model, Reply, Sampling
from longthought.agents.prompts import Prompts
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.tools import read_once
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Verdict, check_decision
from longthought.agents.seats.critic import decision_of
from longthought.agents.seats.vote import objects, vote
from longthought.agents.thoughts import Path
from longthought.agents.verdict_format import verdict_regex

_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”')


class SamplingCritic:
    """The best of ``n`` verdicts on the path's last thought.

    A verdict's score is the reward's reading, or one minus it for an objection, plus ``length_modifier`` for each fault
    that an objection quotes. Of verdicts that score the same, and of all of them where the reward is unscored, the one
    that most are for is taken (see ``vote``).

    Args:
        reward: reads the step. A reading of it that the thought already has is not made again.
        length_modifier: what a quoted fault is worth; larger ones buy more faults found with more false alarms.
        prompt: a shipped prompt set, or a directory with ``sampling_cue.md``: what is added to the critic's cue.

    Raises:
        UsageError: the prompt is not there.
    """

    def __init__(
        self,
        model: Model,
        context: Context,
        reward: Reward,
        sampling: Sampling | None = None,
        *,
        n: int = 4,
        length_modifier: float = 0.1,
        prompt: str = "default",
        base_dir: FilePath | None = None,
    ) -> None:
        self._model, self._context, self._reward = model, context, reward
        self._sampling = sampling or Sampling(max_tokens=200)
        self._n, self._length_modifier = n, length_modifier
        self._prompts = Prompts(prompt, base_dir, ("sampling_cue",))
        #: What is added to the critic's own prompts, by part.
        self.prompts = self._prompts.texts

    async def judge(self, path: Path) -> Verdict:
        """The best verdict that could be read.

        Raises:
            UnreadableVerdict: none could; the reply is the first one.
            ModelError: what the model raises.
        """
        sampling = replace(self._sampling, regex=verdict_regex(path.depth))
        replies = await sample(self._model, self._messages(path), sampling, self._n)
        verdicts, complaint = _readable(replies, path)
        if not verdicts:
            raise UnreadableVerdict(complaint, replies[0].text)
        reading, made = await read_once(self._reward, path)
        if reading.score is None:
            return Verdict(vote(verdicts), made)
        scores = [self._score(verdict, reading.score, path) for verdict in verdicts]
        best = max(scores)
        return Verdict(vote([v for v, score in zip(verdicts, scores, strict=True) if score == best]), made)

    def _messages(self, path: Path) -> list[Message]:
        messages = self._context.for_critic(path)
        cue = self._prompts.render("sampling_cue")
        if cue:
            messages[-1] = Message(messages[-1].role, f"{messages[-1].content}\n{cue}")
        return messages

    def _score(self, decision: Decision, reading: float, path: Path) -> float:
        if not objects(decision):
            return reading
        return 1 - reading + self._length_modifier * len(quoted_faults(decision, path))


def quoted_faults(decision: Decision, path: Path) -> frozenset[str]:
    """The spans that an objection's reason quotes in double quotation marks and that occur, verbatim, in a thought."""
    match decision:
        case Backtrack(why=why) | Reflect(why=why):
            reason = why
        case Terminate(answer=answer):
            reason = answer or ""
        case Continue():
            reason = ""
    spans = {(match[1] or match[2]).strip() for match in _QUOTED.finditer(reason)}
    return frozenset(span for span in spans if span and any(span in t.text for t in path.thoughts))


def _readable(replies: list[Reply], path: Path) -> tuple[list[Decision], str]:
    """The decisions that can be read and carried out, and what was wrong with the first of the others."""
    decisions: list[Decision] = []
    complaint = ""
    for reply in replies:
        try:
            decision = decision_of(reply, path)
            check_decision(decision, path)
            decisions.append(decision)
        except UnreadableVerdict as error:
            complaint = complaint or str(error)
    return decisions, complaint
