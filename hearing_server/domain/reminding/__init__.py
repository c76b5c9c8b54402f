"""Forced reminders and their obligations."""
