"""Learned process reward models: published conventions, in process or behind vLLM."""
