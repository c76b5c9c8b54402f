"""Use-cases of exhibits: offering, checking, exchanging, opinions, the court's decisions, the catalogue."""
