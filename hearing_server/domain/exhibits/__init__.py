"""Exhibits (证据): what a side offers, who sees it, what the others say of it, what the court rules."""
