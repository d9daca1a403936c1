"""Launching: scenario files, datasets, plug-ins, the one place that builds objects from them, and the command line."""
