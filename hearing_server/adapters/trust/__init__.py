"""The log of acts and those who vouch for it: signer, witnesses, time-stamping authorities, our ends to them."""
