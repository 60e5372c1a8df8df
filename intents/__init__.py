"""The catalogue that editors write, and the rules that keep it sound."""
