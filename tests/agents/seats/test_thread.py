"""Our seats in a team that is not ours: AutoGen hands an agent only what was said since its last turn."""

from __future__ import annotations

import pytest
from autogen_agentchat.base import ChatAgent, Team
from autogen_agentchat.messages import TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Message
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from tests.protocols.scripted_debates import debate, play

STEPS = ["20*20=400", "20+20=40", "answer: 4"]
VERDICTS = ["backtrack 0: it is a sum", "continue", "terminate solved"]


async def test_in_a_round_robin_they_are_asked_what_a_debate_asks_them() -> None:
    policy, critic = ScriptedModel(STEPS * 2, "p"), ScriptedModel(VERDICTS * 2, "c")
    context = Context(Prompts("default"))
    agents: list[ChatAgent | Team] = [PolicyAgent(policy, context), CriticAgent(critic, context)]
    team = RoundRobinGroupChat(agents, max_turns=6)
    rules, in_debate, judged = debate(STEPS, VERDICTS)
    await play(rules)
    for times in (1, 2):  # a reset team begins anew
        result = await team.run(task="2+2?")
        assert [message.to_text() for message in result.messages[1:]] == [
            text for pair in zip(STEPS, VERDICTS, strict=True) for text in pair
        ]
        assert _asked(policy) == _asked(in_debate) * times
        assert _asked(critic) == _asked(judged) * times
        await team.reset()


async def test_a_reset_agent_has_forgotten_the_thread() -> None:
    model = ScriptedModel(["a", "b"])
    agent = PolicyAgent(model, Context(Prompts("default")))
    token = CancellationToken()
    for _ in range(2):
        await agent.on_messages([TextMessage(content="2+2?", source="user")], token)
        await agent.on_reset(token)
    first, second = _asked(model)
    assert first == second


async def test_a_critic_that_is_asked_first_says_so() -> None:
    critic = CriticAgent(ScriptedModel([]), Context(Prompts("default")))
    with pytest.raises(UsageError, match="the policy speaks first"):
        await critic.on_messages([TextMessage(content="2+2?", source="user")], CancellationToken())


def _asked(model: ScriptedModel) -> list[list[Message]]:
    return [[each for each in messages if isinstance(each, Message)] for messages, _, _ in model.requests]
