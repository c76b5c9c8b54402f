"""Rooms with aiortc peers over loopback, seeded loss included."""
