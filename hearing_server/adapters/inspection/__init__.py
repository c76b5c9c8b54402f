"""Looking into files that strangers sent: each kind in a module of its own, run in a limited child process."""
