"""Curves: how well a score tells the diseased from the healthy over all its cut-points."""
