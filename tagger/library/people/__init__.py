"""People of a library: who is known, whose face is where, who is gathered, and what persons said of it."""
