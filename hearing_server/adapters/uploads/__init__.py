"""Half-sent files: on disk in records, sealed like everything else of their case."""
