"""Thresholds with the conditions they rest on, carried to where these differ."""
