"""How a film reaches its viewers: live, marked with who watches, as a poster."""
