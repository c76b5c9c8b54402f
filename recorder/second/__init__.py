"""The second recorder: a process of its own, fed with the same packets."""
