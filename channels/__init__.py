"""Wire formats, credentials and delivery: one module or package for each kind of channel."""
