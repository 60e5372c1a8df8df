"""What the gateway does: each function is one transaction's worth of work over a unit of work."""
