"""What an environment has used in a month, as an entity: its key is `{env}:{yyyy-mm}`."""

import azure.durable_functions as df

from shared_code.edge import at_edge
from shared_code.settings import settings
from shared_code.usage.month import MonthUsage, answer
from shared_code.usage.report import utc_now


def run_operation(context: df.DurableEntityContext) -> None:
    """Runs one operation (`ask`, `left` or `read`) on the state of this month."""
    usage = MonthUsage(**context.get_state(dict))
    payload, config = context.get_input(), settings()
    usage, result = answer(
        usage, context.entity_key, context.operation_name, payload, config, now=utc_now().timestamp()
    )
    context.set_state(usage.to_json())
    context.set_result(result)


main = at_edge(df.Entity.create(run_operation))
