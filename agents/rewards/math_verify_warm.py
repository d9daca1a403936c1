"""Imported by the forkserver: math-verify with its regular expressions compiled and sympy's caches filled."""

from __future__ import annotations

from longthought.agents.rewards.math_verify_scorer import equal

equal(r"\frac{1}{2}", "0.5")
equal(r"\sqrt{x}+1", r"1+x^{\frac12}")
