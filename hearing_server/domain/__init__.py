"""What a hearing, a message, a reminder, a recording and an act are. Pure: time, ids and random bytes come in."""
