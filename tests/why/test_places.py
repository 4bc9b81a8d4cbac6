"""The place of an error is the last line of the app's own code that its traceback passes."""

import sysconfig
from pathlib import Path

import pytest

import devhost
from devhost.why.places import told_with_place

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
OWN = '  File "/app/pay/main.py", line 7, in main\n'
NOT_OWN = {
    "of the host": f"{Path(devhost.__file__).parent}/worker/calls.py",
    "of Python": f"{LIBRARY}/json/decoder.py",
    "of an environment": "/app/.venv/lib/python3.11/site-packages/azure/cosmos/errors.py",
    "of Debian's packages": "/usr/local/lib/python3.11/dist-packages/azure/cosmos/errors.py",
    "of an import": "<frozen importlib._bootstrap>",
}


@pytest.mark.parametrize("file", NOT_OWN.values(), ids=NOT_OWN)
def test_code_that_is_not_the_apps_is_no_place(file: str):
    stack = f'{OWN}  File "{file}", line 9, in other\n'
    assert told_with_place("KeyError: 'x'", stack) == "KeyError: 'x' (/app/pay/main.py, line 7)"


def test_error_that_never_passed_the_apps_code_has_no_place():
    stack = f'  File "{LIBRARY}/json/decoder.py", line 9, in other\n'
    assert told_with_place("KeyError: 'x'", stack) == "KeyError: 'x'"
