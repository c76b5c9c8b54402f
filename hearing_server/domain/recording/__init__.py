"""A recording: what writes it, what goes wrong with it, how it is kept."""
