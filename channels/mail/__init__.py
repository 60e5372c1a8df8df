"""Mail, read: bytes in, frozen values out, no input or output."""
