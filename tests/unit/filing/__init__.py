"""Unit tests of the filing core."""
