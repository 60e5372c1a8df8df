"""The conversation bus (embedded or Redis Streams) and the hub; built by `gateway.wiring`."""
