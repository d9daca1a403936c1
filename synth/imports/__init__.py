"""Long thoughts and trees that others made, as our transcripts."""
