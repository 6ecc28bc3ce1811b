"""Screening: who should be measured, by questions or a peripheral method; never a diagnosis."""
