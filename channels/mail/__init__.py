"""Mail, read: bytes in, frozen values out. No input or output; the adapter and the command use it."""
