"""One room: who sits in it, who is heard and seen, and the clock that drives it."""
