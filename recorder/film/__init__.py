"""The film of a hearing: planned, painted, mixed and joined, piece by piece."""
