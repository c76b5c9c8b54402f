"""How datagrams find a peer: sockets, ICE, proof of addresses, and what a packet must pass first."""
