"""Whole journeys, in real Chromium where a person would sit."""
