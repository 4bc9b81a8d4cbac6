"""Imports all modules of the app, so that what one host has imported need not be imported by the next.

A host in this process forgets what its app has imported, and the next one would read the same modules anew,
with reader processes of their own. What was there before, it leaves alone.
"""

import importlib
import pkgutil

import shared_code

for module in pkgutil.walk_packages(shared_code.__path__, f"{shared_code.__name__}."):
    importlib.import_module(module.name)
