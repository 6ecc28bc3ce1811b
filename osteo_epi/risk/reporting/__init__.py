"""What a report of a risk model must say, as far as data and model answer it."""
