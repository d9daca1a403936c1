"""longthought: proposer–critic debates whose transcripts become long-thought training data."""

__version__ = "0.1.0"
