"""The house itself: floors, sizes, addresses, documents."""
