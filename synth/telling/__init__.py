"""A debate told as one first-person thought."""
