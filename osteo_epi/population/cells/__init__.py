"""Sums of people by stratum, unit, group, age band and class, from which all is estimated."""

from osteo_epi.population.cells._cells import Cells
from osteo_epi.population.cells._replicates import ReplicateSums
from osteo_epi.population.cells._sum import sum_apart, sum_to_cells

__all__ = ["Cells", "ReplicateSums", "sum_apart", "sum_to_cells"]
