"""Pure values and rules: no input or output, time and ids are arguments."""
