"""Who thinks: the words of a debate, the models, the seats and the rewards."""
