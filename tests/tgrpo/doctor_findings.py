"""Reading what the doctor found."""

from __future__ import annotations

from tgrpo.doctor.findings import Finding


def only(findings: tuple[Finding, ...], check: str) -> Finding:
    """The one finding of `check`."""
    (found,) = [item for item in findings if item.check == check]
    return found
