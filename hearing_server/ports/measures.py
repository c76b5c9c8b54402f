"""Numbers a part tells about itself, for `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of now, named `hearing_<noun>_<unit>`. `is_total`: it only rises; `part` is (label, value) or None.

    With `buckets`, [(upper bound, how many were below)] rising, it is a histogram: `value` is then the sum of all that
    was counted and `count` how many there were.
    """

    name: str
    help: str
    value: float
    is_total: bool = False
    part: tuple[str, str] | None = None
    buckets: tuple[tuple[float, int], ...] = ()
    count: int = 0
