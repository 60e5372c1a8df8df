"""The `yingda` command: one module for each command."""
