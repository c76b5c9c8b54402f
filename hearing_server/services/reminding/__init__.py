"""What must reach a person: forced reminders, their ladder, notices and where these went."""
