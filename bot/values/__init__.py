"""Values in messages: what is found, where it stands and what it means."""
