"""An app with a bit of everything for the host's page, and names that could be markup."""

from pathlib import Path

from tests.devhost.sample_app import ACTIVITY, RETURN, SampleApp, http_trigger
from tests.devhost.storage_app import queue_trigger, timer_trigger

MARKUP = '<img src=x onerror="window.hacked=1">'
QUEUE = "orders"

_ECHO = """
import azure.functions as func
def main(req: func.HttpRequest) -> func.HttpResponse:
    text = f"{req.method} {req.route_params['id']} {req.get_body().decode()}"
    return func.HttpResponse(text, status_code=201)
"""
_COUNTER = """
import azure.durable_functions as df
def run(context):
    context.set_state(context.get_state(lambda: 0) + (context.get_input() or 1))
main = df.Entity.create(run)
"""
_PACK = """
import logging, time
def main(payload: dict):
    logging.getLogger("shop").info("Packed %s", payload)
    time.sleep(payload.get("seconds", 0))
    if payload.get("fails"):
        raise ValueError(f"Nothing of {payload['item']} is left.")
    return {"packed": payload["item"]}
"""
_PACK_BOX = "return (yield context.call_activity('pack', context.get_input()))\n"
_ORDER = """
order = context.get_input() or {}
context.set_custom_status({"phase": "packing", "customer": order.get("customer")})
items = order.get("items", [])
boxes = [context.call_sub_orchestrator("pack-box", {**order, "item": item}) for item in items]
packed = (yield context.task_all(boxes)) if boxes else []
if order.get("approval"):
    context.set_custom_status({"phase": "approval"})
    yield context.wait_for_external_event("approval")
context.signal_entity(df.EntityId("stock", "boxes"), "add", len(packed))
return {"packed": [box["packed"] for box in packed]}
"""
_LATER = (
    "import datetime\nyield context.create_timer(context.current_utc_datetime + datetime.timedelta(days=3))\n"
)
_LONG = "for number in range(context.get_input()):\n    yield context.call_activity('echo', number)\n"


def write_shop(folder: Path) -> SampleApp:
    """Writes the app; its queue is only listened to if a storage is set."""
    app = SampleApp(folder)
    app.function("orders", http_trigger(route="orders/{id}", methods=["get", "post"]), RETURN, code=_ECHO)
    app.function("pack", {**ACTIVITY, "name": "payload"}, code=_PACK)
    app.activity("echo", "def main(payload):\n    return payload\n")
    app.orchestrator("order", _ORDER)
    app.orchestrator("pack-box", _PACK_BOX)
    app.orchestrator("deliver-later", _LATER)
    app.orchestrator("long", _LONG)
    app.function("stock", {"name": "context", "type": "entityTrigger", "direction": "in"}, code=_COUNTER)
    app.function("nightly", timer_trigger("0 0 3 * * *"), code="def main(timer):\n    pass\n")
    app.function(
        "take-order", queue_trigger(QUEUE), code="def main(msg):\n    raise ValueError('unreadable')\n"
    )
    app.http("broken", "import nothing_of_this_name\n")
    app.file("host.json", {"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 1}}})
    return app
