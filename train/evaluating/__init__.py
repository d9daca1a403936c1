"""What eval says of runs beside their accuracy: votes, revisions, curves, seeds, problems seen, another harness."""
