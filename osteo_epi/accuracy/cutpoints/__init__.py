"""Cut-points: which value of a score to cut at, by several criteria side by side."""
