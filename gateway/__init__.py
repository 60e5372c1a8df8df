"""Conversations, tickets, people, the bus, the store, HTTP and the console."""
