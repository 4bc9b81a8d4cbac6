"""The versions of an environment's index, and which one is live."""

from http import HTTPStatus

from shared_code.api.openapi.operation import Answers, Operation, answer, body, problem, unavailable
from shared_code.api.openapi.schemas import (
    BOOLEAN,
    LABEL_TEXT,
    answered,
    array,
    asked,
    described,
    nullable,
    ref,
    text,
)
from shared_code.api.openapi.usage import ENV
from shared_code.jobs import Json

_FIGURES: Json = {"type": "object"}
_EXAMPLE: Json = {"env": "prod", "live": "v1", "versions": [], "promotions": []}
_ROUTE = "index/{env}"
_ANSWERS: Answers = {
    HTTPStatus.OK: answer("The versions.", ref("Versions"), {"versions": _EXAMPLE}),
    HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField"),
    HTTPStatus.INTERNAL_SERVER_ERROR: problem(HTTPStatus.INTERNAL_SERVER_ERROR),
    HTTPStatus.SERVICE_UNAVAILABLE: unavailable("IndexUnavailable"),
}

OPERATIONS = (
    Operation(
        method="get",
        route=_ROUTE,
        id="getVersions",
        tag="Versions",
        summary="Which versions an index has, how good they are, and which is live",
        parameters=(ENV,),
        answers=_ANSWERS,
    ),
    Operation(
        method="put",
        route=_ROUTE,
        id="promoteVersion",
        tag="Versions",
        summary="Make a version live that is no worse",
        parameters=(ENV,),
        body=body(ref("Promotion"), {"promotion": {"live": "v2"}, "by force": {"live": "v2", "force": True}}),
        answers={
            **_ANSWERS,
            HTTPStatus.NOT_FOUND: problem(HTTPStatus.NOT_FOUND, "VersionNotFound"),
            HTTPStatus.CONFLICT: problem(
                HTTPStatus.CONFLICT,
                *("QualityFell", "NotEvaluated"),
                members={"live": _FIGURES, "candidate": _FIGURES},
            ),
        },
    ),
)
SCHEMAS: Json = {
    "Versions": answered(
        {
            "env": LABEL_TEXT,
            "live": nullable(LABEL_TEXT),
            "versions": array({"type": "object"}),
            "promotions": array({"type": "object"}),
        }
    ),
    "Promotion": asked(
        {"live": described(LABEL_TEXT, "The version that is to be live.")},
        optional={"force": described(BOOLEAN, "Even if it is worse."), "by": text("Who has it so.")},
        description="Which version is to be live.",
    ),
}
