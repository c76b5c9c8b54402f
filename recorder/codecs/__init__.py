"""From RTP packets to encoded frames."""
