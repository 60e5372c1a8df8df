"""Conversations, tickets, people, the bus, the store, HTTP and the console."""

__version__ = "0.1.0"
