"""One module or package for each kind of channel; the registry finds them by name."""
