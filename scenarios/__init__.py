"""Launching: scenario files, datasets, plug-ins, the one place that builds objects, the command line."""
