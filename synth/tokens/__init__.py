"""Rows to token ids and loss masks."""
