"""The loops that move messages on: intake, delivery, housekeeping."""
