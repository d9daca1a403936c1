"""Rows to a corpus on the disk: files, manifest and card, all at once or not at all."""
