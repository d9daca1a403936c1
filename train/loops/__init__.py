"""Learning loops: a model samples, what it samples is kept or paired, a model is trained on that, and again."""
