"""Unit tests of the domain floor."""
