"""HTTP: the API that console and integrators use, its event socket, health and public pages."""
