"""One publisher: its sources, their layers, and what of them is wanted."""
