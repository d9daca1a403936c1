"""The profile of thoughts: how long they are, how often they turn, how far they stray, and how that grows."""
