"""Answers what this API is, as OpenAPI."""

import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.edge import at_edge
from shared_code.jobs import Json


@at_edge
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """`GET openapi.json`: 200."""
    from shared_code.api.openapi.document import openapi_document

    return await guarded(_read, req, openapi_document())


async def _read(_req: func.HttpRequest, document: Json) -> func.HttpResponse:
    return json_answer(document)
