"""Use-cases: one module per noun, verbs inside; first argument is the actor."""
