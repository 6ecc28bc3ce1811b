"""osteo-epi: from a densitometry export to an osteoporosis prevalence that can be defended."""
