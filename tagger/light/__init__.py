"""The half that hooks, pages and queues run: standard library only, few milliseconds to import."""
