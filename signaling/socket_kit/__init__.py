"""The Socket.IO kit: strict where the stock server is open. It knows no room and no court."""
