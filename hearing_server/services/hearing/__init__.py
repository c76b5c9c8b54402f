"""One hearing, from its date to its end, and what its room reports."""
