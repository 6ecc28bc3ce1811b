"""What a paper on a test must show of its people: who came, who was tested, who was verified."""
