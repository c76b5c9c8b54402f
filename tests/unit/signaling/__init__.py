"""Pure parts of signaling: grants, descriptions, ICE, estimates."""
