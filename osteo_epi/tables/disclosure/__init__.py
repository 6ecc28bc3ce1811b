"""Counts that may be shown: suppression and rounding against disclosure, both at `tables`."""
