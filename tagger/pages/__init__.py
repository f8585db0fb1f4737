"""What Stash's pages ask: operations that answer at once, from a process that is started for each of them.

The standard library and what rests on it alone (``types``, ``errors``, ``light``, ``store``, ``stash``):
a person waits.
"""
