"""Timers and background work."""
