"""Imports all modules of the app, so that what one host has imported need not be imported by the next.

A host in this process unloads the modules that its app has imported, so that the next one would load them
again, with reader processes of their own. It leaves modules alone that were loaded before.
"""

import importlib
import pkgutil

import shared_code

for module in pkgutil.walk_packages(shared_code.__path__, f"{shared_code.__name__}."):
    importlib.import_module(module.name)
