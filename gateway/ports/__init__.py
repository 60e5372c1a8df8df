"""What the services need of the outside: the store, the bus, the hub, time and ids."""
