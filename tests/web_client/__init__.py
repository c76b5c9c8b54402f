"""The web client, checked by its own tools: unit tests, types."""
