"""A rewriter smooths a thought, and a check sees that nothing of it is lost."""
