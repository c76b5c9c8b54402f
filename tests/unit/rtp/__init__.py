"""Tests of the packet algebra: pure, no sockets, no clock."""
