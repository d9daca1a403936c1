"""Imported by the forkserver: reasoning-gym, whose import takes seconds, and its most used task."""

from __future__ import annotations

from longthought.agents.rewards.reasoning_gym_scorer import score

score("1", "countdown", {"answer": "2-1", "metadata": {"numbers": [2, 1], "target": 1}})
