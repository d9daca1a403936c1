"""Transcripts to rows: one kind of training row each, pure functions all."""
