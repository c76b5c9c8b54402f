"""What makes the log of acts believable, as bytes and rules: Merkle trees, checkpoints, receipts."""
