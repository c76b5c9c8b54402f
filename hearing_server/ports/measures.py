"""Numbers a part tells about itself, for `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of now, named `hearing_<noun>_<unit>`. `is_total`: it only rises; `part` is (label, value) or None."""

    name: str
    help: str
    value: float
    is_total: bool = False
    part: tuple[str, str] | None = None
