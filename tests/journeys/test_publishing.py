"""A version is published while customers write, and every process answers from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.journeys.gateway import Administrator, GatewayProcess
from tests.servers import PostgresServer

QUESTION = "how do I get an invoice"
NEWS = "Press the big green button."


@pytest.fixture
def split(
    tmp_path: Path, postgres_server: PostgresServer, redis_url: str
) -> Iterator[list[GatewayProcess]]:
    """A process for HTTP and a worker, over PostgreSQL and Redis."""
    name = postgres_server.create_database()
    environ = {"YINGDA_DATABASE_URL": postgres_server.url(name), "YINGDA_REDIS_URL": redis_url}
    roles = (["http", "timer"], ["worker", "receiver"])
    processes = [GatewayProcess(tmp_path, roles=own, environ=environ) for own in roles]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        for process in processes:
            process.close()
    postgres_server.drop_database(name)


async def finished(admin: Administrator, job: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while job["state"] in {"waiting", "running"}:
            await asyncio.sleep(0.2)
            job = await admin.call("GET", f"/catalogue/jobs/{job['id']}")
    return job


async def test_customers_are_answered_all_the_while(split: list[GatewayProcess]) -> None:
    url, ended, said = split[0].url, asyncio.Event(), list[str]()

    async def customer(http: aiohttp.ClientSession, number: int) -> None:
        count = 0
        while not ended.is_set():
            count += 1
            body = {"sender": f"c{number}-{count}", "message": QUESTION}
            async with http.post(f"{url}/webhooks/rest/webhook", json=body) as answer:
                assert answer.status == 200, await answer.text()
                said.append((await answer.json())[0]["text"])
            await asyncio.sleep(0.05)  # leaves the training its share of the machine

    async with Administrator(url) as admin, aiohttp.ClientSession() as http:
        customers = [asyncio.create_task(customer(http, number)) for number in range(4)]
        path = "/catalogue/document?kind=response&name=utter_invoice_request"
        document = await admin.call("GET", path)
        variants = document["body"]["variants"]
        changed = [{**each, "text": NEWS, "buttons": []} for each in variants]
        await admin.call(
            "PUT",
            "/catalogue/document",
            {
                "kind": "response",
                "name": "utter_invoice_request",
                "revision": document["revision"],
                "body": {"variants": changed},
            },
        )
        job = await admin.call("POST", "/catalogue/publish", {"reason": "a button"})
        job = await finished(admin, job)
        assert (job["state"], job["result"]["version"]) == ("done", 2), job
        await asyncio.sleep(6)  # by then a process that heard nothing has looked into the store
        fresh = len(said)
        while len(said) < fresh + 40:
            await asyncio.sleep(0.05)
        job = await admin.call("POST", "/catalogue/versions/1/restore", {"reason": "no button"})
        assert (await finished(admin, job))["result"]["version"] == 3
        ended.set()
        await asyncio.gather(*customers)

    assert not any(NEWS in text for text in said[:1])
    assert all(NEWS in text for text in said[fresh : fresh + 40])
