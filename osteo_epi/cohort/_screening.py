"""Methods that screen: their results are read and shown, and diagnose or follow nobody."""

from __future__ import annotations

METHODS = {
    "peripheral_dxa": ("abmd_radius_pdxa",),
    "peripheral_qct": ("vbmd_radius_pqct",),
    "ultrasound": ("qus_",),
    "risk_score": ("frax_", "iof_one_minute"),
}
"""Each method with what the names of its columns begin with."""


def screening_method(column: str) -> str | None:
    """Name the screening method that a column holds a result of.

    Parameters
    ----------
    column
        A name of the codebook.

    Returns
    -------
    str or None
        `peripheral_dxa`, `peripheral_qct`, `ultrasound` or `risk_score`; None for all that may
        diagnose, and for the trabecular bone score, which is an adjunct of DXA.

    Notes
    -----
    Peripheral measurements and ultrasound are for screening and for the risk of fracture, not for
    diagnosis or the effect of drugs. Chinese expert consensus 2020, doi:10.21037/qims-2020-16.

    Examples
    --------
    >>> screening_method("qus_t_score"), screening_method("abmd_femoral_neck")
    ('ultrasound', None)
    """
    return next((name for name, starts in METHODS.items() if column.startswith(starts)), None)
