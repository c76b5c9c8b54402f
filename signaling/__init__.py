"""Rooms, join grants and selective forwarding on aiortc; knows no court."""
