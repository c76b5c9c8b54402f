"""Packets to journal, sealed segments, manifest and film; knows no court."""
