"""Checks: what the people's own numbers say against each other; `cohort.check` runs them all."""
