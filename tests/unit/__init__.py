"""Floors 0 and 1, and signaling.rtp: pure, no sockets."""
