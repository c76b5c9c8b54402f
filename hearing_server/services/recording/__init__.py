"""The record of a hearing: watched while it is written, sealed, made into a film, kept."""
