"""A hearing and the people in it."""
