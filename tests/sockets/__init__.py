"""Socket.IO namespaces with real clients."""
