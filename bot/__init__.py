"""Decides what to answer; never writes."""
