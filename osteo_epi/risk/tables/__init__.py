"""Tables of an exposure and an outcome: how much more often one has the other."""
