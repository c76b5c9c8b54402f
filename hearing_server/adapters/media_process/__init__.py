"""Rooms and recordings in processes of their own: the process, the wire, and the ports over it."""
