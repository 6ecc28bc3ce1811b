"""Accuracy where the truth was looked for in a part of the people only."""
