"""TLS in memory."""
