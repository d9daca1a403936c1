"""How seats talk: budgets, the tree and its journal, the debate, and the runner of many debates at once."""
