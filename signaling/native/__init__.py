"""The forward step's native twin: packet arithmetic and the forwarding thread in C, loaded when it was built."""
