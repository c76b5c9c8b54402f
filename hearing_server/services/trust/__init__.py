"""The log of acts and what makes it believable: tree, checkpoints, time stamps, receipts."""
