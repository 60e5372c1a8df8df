"""The ceiling: aiohttp that reads JSON and answers JSON, and nothing else."""

from __future__ import annotations

import sys

from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    """Answers in the REST channel's shape with what was asked."""
    asked = await request.json()
    return web.json_response([{"recipient_id": asked["sender"], "text": asked["message"]}])


def main() -> None:
    """Serves on the port named on the command line, as the gateway does: on uvloop."""
    import uvloop

    app = web.Application()
    app.router.add_post("/webhooks/rest/webhook", echo)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
