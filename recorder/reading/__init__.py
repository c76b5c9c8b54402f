"""A recording read back from its data files: live, after a crash, and in judgment of it."""
