"""The court's server: hearings, case spaces, records. Floors and imports are drawn in docs/ARCHITECTURE.md."""
