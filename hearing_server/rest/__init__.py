"""HTTP: one route table, thin handlers, problems."""
