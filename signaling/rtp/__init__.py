"""Packet algebra of the media plane: pure functions and state machines over RTP and RTCP bytes, time comes in."""
