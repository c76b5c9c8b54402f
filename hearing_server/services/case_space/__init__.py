"""The case space: lanes, what people post in them, and the pictures they send."""
