"""One viewer: what it is shown, what its line carries, and how losses are repaired."""
