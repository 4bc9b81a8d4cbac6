"""Answers what this API is, as OpenAPI."""

import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.edge import at_edge


@at_edge
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """`GET openapi.json`: 200."""
    return await guarded(_read, req, None)


async def _read(_req: func.HttpRequest, _: None) -> func.HttpResponse:
    from shared_code.api.openapi.document import openapi_document

    return json_answer(openapi_document())
