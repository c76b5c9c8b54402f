"""What a recording holds and what it lacks: tracks, clocks, gaps and their causes, the manifest."""
