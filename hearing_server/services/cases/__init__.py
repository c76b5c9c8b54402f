"""Cases and their people: filed at the counter, or taken over from another system."""
