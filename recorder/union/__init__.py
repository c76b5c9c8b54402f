"""The record of a hearing that two recorders wrote."""
