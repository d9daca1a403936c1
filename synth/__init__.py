"""Transcripts to corpora: pure, deterministic derivations of training rows, and the writer of a corpus."""
