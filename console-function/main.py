"""Answers the operator's page, which holds no data: it asks this API for it, with its reader's key."""

import azure.functions as func

from shared_code.api.answers import guarded
from shared_code.console.page import console_page
from shared_code.edge import at_edge


@at_edge
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """`GET console`: 200, or 304 for a browser that has the page already."""
    return await guarded(_answer, req, None)


async def _answer(req: func.HttpRequest, _: None) -> func.HttpResponse:
    page = console_page()
    if page.etag in req.headers.get("if-none-match", ""):
        return func.HttpResponse(status_code=304, headers=page.headers)
    return func.HttpResponse(page.content, mimetype="text/html", charset="utf-8", headers=page.headers)
