"""What an event costs: the worker as a process, on a real broker and a real PostgreSQL."""
