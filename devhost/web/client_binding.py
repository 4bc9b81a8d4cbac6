"""The JSON that a `durableClient` binding gets, and the management links in it.

Keys are never enforced here: the code in the links only has the place that Azure's key has.
"""

import json
from urllib.parse import quote_plus

WEBHOOK_PATH = "/runtime/webhooks/durabletask"
RPC_PATH = "/durabletask"

_CODE = "code=devhost"
_PLACEHOLDER = "INSTANCEID"


def client_binding(*, origin: str, rpc_origin: str, hub_name: str) -> str:
    """The binding's value; origins are such as `http://localhost:7071`."""
    creation = f"{origin}{WEBHOOK_PATH}/orchestrators/{{functionName}}[/{{instanceId}}]"
    return json.dumps(
        {
            "taskHubName": hub_name,
            "connectionName": None,
            "creationUrls": {
                "createNewInstancePostUri": f"{creation}?{_CODE}",
                "createAndWaitOnNewInstancePostUri": (
                    f"{creation}?timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}&{_CODE}"
                ),
            },
            "managementUrls": management_links(_PLACEHOLDER, origin=origin, hub_name=hub_name),
            "baseUrl": f"{origin}{WEBHOOK_PATH}",
            "requiredQueryStringParameters": _CODE,
            "rpcBaseUrl": f"{rpc_origin}{RPC_PATH}/",  # the SDK appends to it, so the slash must be there
            "httpBaseUrl": None,
            "maxGrpcMessageSizeInBytes": None,
            "grpcHttpClientTimeout": None,
        }
    )


def management_links(instance_id: str, *, origin: str, hub_name: str) -> dict[str, str]:
    """Every link by which an instance is managed."""
    quoted = quote_plus(instance_id, safe="!*()").replace("~", "%7E")  # as .NET quotes
    instance = f"{origin}{WEBHOOK_PATH}/instances/{quoted}"
    query = f"taskHub={quote_plus(hub_name)}&connection=Storage&{_CODE}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{instance}?{query}",
        "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
        "rewindPostUri": f"{instance}/rewind?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{instance}?{query}",
        "restartPostUri": f"{instance}/restart?{query}",
        "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
    }


def check_status_links(instance_id: str, *, origin: str, hub_name: str) -> dict[str, str]:
    """The links that answer a start: all but the one to rewind, as the extension has it."""
    links = management_links(instance_id, origin=origin, hub_name=hub_name)
    del links["rewindPostUri"]
    return links
