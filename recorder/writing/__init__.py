"""One recording while it is written: the session a room feeds, its writer thread and its segments."""
