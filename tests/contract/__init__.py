"""One file per port, run on every implementation of it."""
