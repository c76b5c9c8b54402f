"""The embedded filing core: courts, cases, case numbers, parties, docket, imports. Pure: time and ids come in."""
