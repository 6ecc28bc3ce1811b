"""Time to an event: how many are free of it, or have it, while others leave or die."""
