"""Adapters, piece by piece."""
