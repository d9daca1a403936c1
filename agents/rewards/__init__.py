"""Reward models and answer scorers."""
