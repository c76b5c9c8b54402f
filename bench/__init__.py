"""Measurements against named baselines taken in the same run: `python -m bench.NAME [--quick]`, one JSON line last.

forward: CPU of the media plane per forwarded packet. join: from the click to the first picture. record: what writing
the record costs. film: how fast the film of a hearing is made. bad_network: what gets through bad lines. reconnect: how
soon people are back. Results with their circumstances: bench/REPORT.md.
"""
