"""Meta-evaluation: how good a reward model or a critic is, on steps whose labels are known."""
