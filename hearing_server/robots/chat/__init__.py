"""Synthetic people of a case space: a lean Socket.IO client and a member who keeps lanes as the protocol says."""
