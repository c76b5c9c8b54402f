"""Pictures of every page, on a phone and on a desk, in both languages: `./dev shots` writes docs/images."""
