"""AutoGen's own agents, and a user's, in our seats."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from autogen_agentchat.agents import AssistantAgent, BaseChatAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_core import CancellationToken
from autogen_core.models import RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient

from longthought.agents.decisions import Backtrack, Terminate
from longthought.agents.errors import FatalModelError, UnreadableVerdict
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.rewards.scorers import scorer_named
from longthought.agents.seats.adapter import SeatedCritic, SeatedPolicy
from longthought.agents.thoughts import straight_path
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal, read_events
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript_files import read_transcripts

PROBLEM = Problem(id="p", question="What is 2+2?", gold="4", scorer="exact")


class Recorder(BaseChatAgent):
    """Says what it is given; notes what it is told, and how many turns it takes at once."""

    def __init__(self, says: Sequence[str], pause: float = 0.0) -> None:
        super().__init__("recorder", "A test's own agent.")
        self._says, self._pause = list(says), pause
        self.told: list[list[tuple[str, str]]] = []
        self.resets = self.busy = self.most_busy = 0

    @property
    def produced_message_types(self) -> Sequence[type[BaseChatMessage]]:
        return (TextMessage,)

    async def on_messages(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> Response:
        self.told.append([(message.source, message.to_text()) for message in messages])
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        await asyncio.sleep(self._pause)
        self.busy -= 1
        usage = RequestUsage(prompt_tokens=7, completion_tokens=3)
        said = self._says[min(len(self.told), len(self._says)) - 1]
        return Response(chat_message=TextMessage(content=said, source=self.name, models_usage=usage))

    async def on_reset(self, cancellation_token: CancellationToken) -> None:
        self.resets += 1


def assistant(*replies: str) -> AssistantAgent:
    return AssistantAgent("critic", ReplayChatCompletionClient(list(replies)))


async def test_an_assistant_agent_judges() -> None:
    path = straight_path(PROBLEM, ["2+2 is 5"])
    verdict = await SeatedCritic(assistant("**backtrack 0: that is 4**")).judge(path)
    assert verdict.decision == Backtrack(to=0, why="that is 4")
    with pytest.raises(UnreadableVerdict) as caught:
        await SeatedCritic(assistant("I like it")).judge(path)
    assert caught.value.reply == "I like it"


async def test_the_agent_is_reset_and_told_the_whole_path_each_turn() -> None:
    agent = Recorder(["continue"])
    critic = SeatedCritic(agent)
    for steps in (["first"], ["first", "second"]):
        await critic.judge(straight_path(PROBLEM, steps))
    assert agent.resets == 2
    sources = [source for source, _ in agent.told[1]]
    assert sources == ["system", "user", "critic", "user"]
    assert "What is 2+2?" in agent.told[1][1][1]
    assert "second" in agent.told[1][3][1]


async def test_a_policy_offers_as_many_candidates_as_asked_for() -> None:
    steps = await SeatedPolicy(Recorder(["a", " b ", "c"])).propose(straight_path(PROBLEM, []), 3)
    assert [step.text for step in steps] == ["a", "b", "c"]


@pytest.mark.parametrize("same", [True, False])
async def test_an_agent_takes_one_turn_at_a_time(same: bool) -> None:
    made: list[Recorder] = []

    def factory() -> Recorder:
        if not (same and made):
            made.append(Recorder(["continue"], pause=0.01))
        return made[-1]

    critic = SeatedCritic(factory=factory)
    path = straight_path(PROBLEM, ["x"])
    for _ in range(2):
        await asyncio.gather(*(critic.judge(path) for _ in range(5)))
    assert len(made) == (1 if same else 5)  # and those that are idle are seated again
    assert {agent.most_busy for agent in made} == {1}


async def test_a_foreign_turn_is_journalled_and_replayed(tmp_path: Path) -> None:
    def play(policy: Recorder, critic: AssistantAgent | Recorder, journal: Journal) -> asyncio.Task[object]:
        debate = Debate(SeatedPolicy(policy), SeatedCritic(critic), scorer_named("exact"))
        return asyncio.create_task(_finish(debate, journal))

    async def _finish(debate: Debate, journal: Journal) -> None:
        with closing(journal):
            await run_debates(assignments([PROBLEM], 1, 0), debate, journal)

    class Broken(Recorder):
        async def on_messages(
            self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
        ) -> Response:
            raise FatalModelError("no such model")

    with pytest.raises(FatalModelError):
        await play(Recorder(["2+2 is 4"]), Broken([]), Journal(tmp_path))
    policy = Recorder(["Answer: 4"])
    await play(policy, assistant("continue", "terminate solved"), Journal(tmp_path))
    assert len(policy.told) == 1  # its first turn was in the journal
    (transcript,) = read_transcripts(tmp_path)
    assert [thought.text for thought in transcript.thoughts] == ["2+2 is 4", "Answer: 4"]
    assert transcript.judgements[-1].decision == Terminate(reason="solved")
    assert transcript.outcome.kind == "solved"
    assert transcript.usage["policy"].completion == 6
    kinds = [event["kind"] for event in read_events(tmp_path / "journal-0.jsonl")]
    assert kinds.count("seated") == 4


async def test_engines_of_ours_inside_an_agent_are_part_of_its_turn(tmp_path: Path) -> None:
    """Else a resumed run would count their tokens differently from one that was never stopped."""
    model = ScriptedModel(["terminate solved"])
    debate = Debate(
        SeatedPolicy(Recorder(["Answer: 4"])),
        SeatedCritic(AssistantAgent("critic", model)),
        scorer_named("exact"),
    )
    journal = Journal(tmp_path)
    await run_debates(assignments([PROBLEM], 1, 0), debate, journal)
    journal.close()
    kinds = [event["kind"] for event in read_events(tmp_path / "journal-0.jsonl")]
    assert "sampled" not in kinds
    (transcript,) = read_transcripts(tmp_path)
    assert transcript.usage["critic"].completion == 2
    assert transcript.calls["critic"] == 1


def test_an_agent_or_a_factory() -> None:
    with pytest.raises(ValueError, match="either an agent or a factory"):
        SeatedPolicy()
