"""Twins of the ports that touch the outside: bus, vault, notices, media, files."""
