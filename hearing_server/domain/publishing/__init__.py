"""Publication, its objections, and what a public copy leaves out."""
