"""Schemas that several resources share, and what they are written with.

Objects of answers may get more members, so they are not closed; those of requests are, as the app refuses
what it does not know.
"""

from typing import Any

from shared_code.jobs import LABEL, Json

STRING: Json = {"type": "string"}
BOOLEAN: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
AMOUNT: Json = {"type": "number", "minimum": 0, "description": "In the currency of the price of tokens."}
TIME: Json = {"type": "string", "format": "date-time", "examples": ["2026-11-28T10:00:05Z"]}
URI: Json = {"type": "string", "format": "uri-reference"}
JOB_ID: Json = {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "Id of a job."}
LABEL_TEXT: Json = {"type": "string", "pattern": f"^{LABEL.pattern}$", "examples": ["prod"]}
NULL: Json = {"type": "null"}


def text(description: str, **more: Any) -> Json:
    """A string, with what it is."""
    return {"type": "string", "description": description, **more}


def described(schema: Json, description: str) -> Json:
    """A schema, with what it is here."""
    return {**schema, "description": description}


def nullable(schema: Json) -> Json:
    """A schema, or null."""
    return {"anyOf": [schema, NULL]}


def array(items: Json, **more: Any) -> Json:
    """A list of such items."""
    return {"type": "array", "items": items, **more}


def ref(name: str) -> Json:
    """A schema among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def answered(members: Json, *, optional: Json | None = None, description: str = "") -> Json:
    """An object of an answer: members that are always there, and others."""
    schema = {"type": "object", "required": list(members), "properties": {**members, **(optional or {})}}
    return {**schema, "description": description} if description else schema


def asked(members: Json, *, optional: Json | None = None, description: str) -> Json:
    """An object of a request, which has no other members."""
    return {**answered(members, optional=optional, description=description), "additionalProperties": False}


FAILURE = answered(
    {"code": text("Stable name of what happened."), "message": text("What happened, and what to do.")},
    description="Why something was not done.",
)
