"""`make bench`: full turns over the REST channel, beside the ceiling and beside a peer."""
