"""Where a connection stands; the part in C (bridge/stream.c) has the same numbers."""

HANDSHAKING, OPEN, CLOSING, LOST = range(4)
