"""What rows pass on their way into a corpus: filters that drop some, each of which says why."""
