"""Setting documents in type with Typst, in a child process that can do nothing else."""
