"""Tables, one module per noun; all share `base.metadata`."""
