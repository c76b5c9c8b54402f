"""The C side against its Python twins."""
