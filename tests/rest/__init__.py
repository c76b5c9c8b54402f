"""HTTP routes over a real server."""
