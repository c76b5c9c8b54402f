"""Bad networks on purpose: seeded relays between robots or pages and the server; they know nothing of the house."""
