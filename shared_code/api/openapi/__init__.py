"""The OpenAPI 3.1 document of the API: a module for each resource, and one that puts them together.

The document describes the routes of the function folders that are there. ADR 58 has the reasons.
"""
