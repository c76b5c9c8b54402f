"""Synthetic people who hold a hearing, for demo, tests and load. Clients: they import nothing of the house."""
