"""Is the sound there, does the picture move? Looked at from outside while the hearing runs."""
