"""What the public may see, now or later."""
