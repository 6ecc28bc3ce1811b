"""The same people under several definitions: who is classified by each, and who by all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osteo_epi.diagnosis import Definition
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import Frame
from osteo_epi.norms import SEXES
from osteo_epi.population._query import Query
from osteo_epi.population._shares import SEX, Sample
from osteo_epi.population.cells import Cells, sum_to_cells


@dataclass(frozen=True)
class Classified:
    """A sample under k definitions.

    Parameters
    ----------
    sample
        The people, their sexes apart.
    names
        What the definitions are called.
    """

    sample: Sample
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        frame: Frame,
        definitions: Mapping[str, Definition],
        query: Query,
        *,
        only: str | None = None,
    ) -> Classified:
        """Classify and sum people under each definition.

        Raises
        ------
        DefinitionError
            If nobody is classifiable under all.
        """
        cells = sum_to_cells(frame, query, list(definitions.values()), beside=(SEX,), only=only)
        classified = cls(Sample(cells, query), tuple(definitions))
        classified._refuse_nobody()
        return classified

    @property
    def cells(self) -> Cells:
        """The sums."""
        return self.sample.cells

    def losses(self) -> list[tuple[int, str]]:
        """Definitions (by column) that classify nobody of a sex that the domain holds."""
        cells = self.cells
        here = [(label, cells.inside & (cells.labels[SEX] == label)) for label in SEXES]
        return [
            (j, label)
            for j in range(len(self.names))
            for label, mask in here
            if cells.count(mask) and not cells.count(mask & cells.measured[:, j])
        ]

    def _refuse_nobody(self) -> None:
        cells = self.cells
        if cells.count(cells.common):
            return
        n = (cells.count(column) for column in cells.measured.T)
        each = "; ".join(f"{name}: {count}" for name, count in zip(self.names, n, strict=True))
        raise DefinitionError(
            f"nobody of the {cells.count(cells.inside)} people is classifiable under all "
            f"{len(self.names)} definitions ({each}); leave out those that classify nobody, or "
            "give them a reference that holds these regions and sexes"
        )
