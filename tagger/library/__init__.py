"""The use cases about a whole library: tag it, try it, undo a run."""
