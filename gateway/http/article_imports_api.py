"""Import and export of articles."""

from __future__ import annotations

import asyncio
import io
import zipfile

from aiohttp import web

from gateway.domain.people import Right
from gateway.http import article_answers as shapes
from gateway.http import article_inputs as inputs
from gateway.http.article_answers import import_json
from gateway.http.bodies import UPLOAD_SECONDS, read_bytes
from gateway.http.call import Call, json_response
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.services.access import require
from gateway.services.article_archive import FILE_LIMIT
from gateway.services.article_export import export_articles
from gateway.services.article_imports import Upload, begin_import, look_at_import, run_import

_TAG = "Knowledge base"


async def import_articles(call: Call) -> web.Response:
    """Takes a file and begins to import it."""
    require(call.agent, Right.PUBLISH_ARTICLES)
    query = call.query(inputs.ImportQuery)
    content = await read_bytes(call.request, FILE_LIMIT, UPLOAD_SECONDS)
    job = await call.write(
        lambda uow: begin_import(uow, call.agent, query.name, now=call.now, new_id=call.new_id)
    )
    upload = Upload(
        name=query.name, content=content, language=query.language, publishes=query.publish
    )
    call.desk.spawn(
        run_import(call.parts.store, job, upload, clock=call.parts.clock, new_id=call.parts.new_id)
    )
    return json_response(import_json(job), status=202)


async def read_article_import(call: Call) -> Json:
    """How far an import is."""
    key = call.path("id")
    return import_json(
        await call.read(lambda uow: look_at_import(uow, call.agent, key, now=call.now))
    )


async def export_articles_zip(call: Call) -> web.Response:
    """Everything that is published, as Markdown files in an archive."""
    require(call.agent, Right.DRAFT_ARTICLES)
    files = await call.read(lambda uow: list(export_articles(uow, now=call.now)))
    content = await asyncio.to_thread(_pack, files)
    return web.Response(
        body=content,
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": 'attachment; filename="articles.zip"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def _pack(files: list[tuple[str, str]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files:
            archive.writestr(path, text)
    return packed.getvalue()


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/article-imports",
        handler=import_articles,
        tag=_TAG,
        summary="Import .zip, .md, .html or .docx, all of it or nothing; at most 50 MB",
        query=inputs.ImportQuery,
        answer=shapes.ArticleImport,
        status=202,
        right=Right.PUBLISH_ARTICLES,
        errors=("too_large", "too_slow"),
        raw=True,
    ),
    Endpoint(
        method="GET",
        path="/article-imports/{id}",
        handler=read_article_import,
        tag=_TAG,
        summary="How far an import is",
        answer=shapes.ArticleImport,
        right=Right.PUBLISH_ARTICLES,
    ),
    Endpoint(
        method="GET",
        path="/article-export",
        handler=export_articles_zip,
        tag=_TAG,
        summary="Published articles as Markdown in an archive",
        binary=True,
        right=Right.DRAFT_ARTICLES,
    ),
)
