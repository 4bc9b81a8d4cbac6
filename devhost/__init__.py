"""A development host for Azure Functions apps of the classic Python model, durable functions included.

It runs any folder of `host.json` and `*/function.json`; it knows nothing of the app in this repository and is
never deployed.

ADR 1 has the reasons.
"""
