"""Do journeys teach more than shortcuts? See ``__main__`` for the command and ``plan`` for what is compared."""
