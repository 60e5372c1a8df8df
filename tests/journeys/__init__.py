"""Whole walks through a real server over real sockets."""
