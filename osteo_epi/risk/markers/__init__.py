"""Markers: how MRI and biochemistry go with density; covariates, never a diagnosis."""
