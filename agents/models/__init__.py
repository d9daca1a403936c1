"""Engines behind one contract: OpenAI-compatible servers, vLLM, transformers, scripted and recorded."""
