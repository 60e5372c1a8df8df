"""Composition: the only place that builds the parts and knows the settings."""
