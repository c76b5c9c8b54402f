"""Lanes, their events, and how far people have read."""
