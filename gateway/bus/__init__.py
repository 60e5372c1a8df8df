"""The conversation bus (embedded or Redis Streams) and the hub; built by `gateway.wiring`.

What needs Redis has modules of its own, so that an installation without Redis does not load it.
"""
