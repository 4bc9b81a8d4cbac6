"""What an environment has used."""

from http import HTTPStatus

from shared_code.api.openapi.operation import Operation, answer, parameter, problem, unavailable
from shared_code.api.openapi.schemas import (
    AMOUNT,
    COUNT,
    LABEL_TEXT,
    TIME,
    answered,
    array,
    described,
    nullable,
)
from shared_code.jobs import Json

_MONTH: Json = {"type": "string", "pattern": r"^\d{4}-\d{2}$"}
ENV = parameter("env", "path", LABEL_TEXT, "Label of the environment.")

OPERATIONS = (
    Operation(
        method="get",
        route="usage/{env}",
        id="getUsage",
        tag="Usage",
        summary="What an environment has used, month by month",
        description="Budgets are those of `MONTHLY_BUDGETS`.",
        parameters=(ENV,),
        answers={
            HTTPStatus.OK: answer(
                "The last twelve months with any usage, the newest first, and the budget of this one.",
                {"$ref": "#/components/schemas/Usage"},
                {
                    "limited": {
                        "env": "prod",
                        "months": [{"month": "2026-11", "tokens": 398, "requests": 2, "cost": 0.00000796}],
                        "budget": {
                            "month": "2026-11",
                            "amount": 50,
                            "spent": 0.00000796,
                            "reserved": 0,
                            "left": 49.99999204,
                            "renewsAt": "2026-12-01T00:00:00Z",
                        },
                    }
                },
            ),
            HTTPStatus.BAD_REQUEST: problem(HTTPStatus.BAD_REQUEST, "InvalidField"),
            HTTPStatus.SERVICE_UNAVAILABLE: unavailable("HostUnavailable"),
        },
    ),
)
SCHEMAS: Json = {
    "Usage": answered(
        {
            "env": LABEL_TEXT,
            "months": array(
                answered(
                    {"month": _MONTH, "tokens": COUNT, "requests": COUNT, "cost": AMOUNT},
                    optional={"estimated": described(COUNT, "Of the tokens, those whose answer was lost.")},
                )
            ),
            "budget": nullable(
                answered(
                    {
                        "month": _MONTH,
                        "amount": AMOUNT,
                        "spent": AMOUNT,
                        "reserved": AMOUNT,
                        "left": {"type": "number"},
                        "renewsAt": TIME,
                    }
                )
            ),
        }
    )
}
