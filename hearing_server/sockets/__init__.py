"""Socket.IO namespaces: command in, use-case, ack out; doorbells in, events out."""
