"""Jupyter notebooks, of today and of old."""

import json
from typing import Any

import pytest

from shared_code.documents import BrokenDocument
from tests.unit.documents.reading import contexts, read, text, texts


def cell(kind, source, **more) -> Any:
    return {"cell_type": kind, "source": source, **more}


def notebook(*cells) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4})


def output(**data) -> Any:
    kinds = {name.replace("_", "/"): value for name, value in data.items()}
    return {"output_type": "execute_result", "data": kinds}


def test_text_code_and_what_it_printed_are_read_in_their_order():
    data = notebook(
        cell("markdown", ["# Tides\n", "Heights in metres."]),
        cell("code", "print(high)", outputs=[{"output_type": "stream", "text": ["4.2\n"]}]),
        cell("markdown", "## Low\nNone."),
    )
    assert texts("a.ipynb", data) == ["# Tides\nHeights in metres.", "print(high)", "4.2\n", "## Low\nNone."]
    assert contexts("a.ipynb", data) == [("Tides",), ("Tides",), ("Tides",), ("Tides", "Low")]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (output(text_plain="4.2", image_png="iVBORw0KGgo" * 20), "4.2"),
        (output(text_html="<table>", text_plain=["a b\n", "1 2"]), "a b\n1 2"),
        (output(text_plain="<Tide>", text_markdown="**high**"), "**high**"),
        (
            {"output_type": "error", "ename": "KeyError", "evalue": "'tide'", "traceback": []},
            "KeyError: 'tide'",
        ),
        ({"output_type": "stream", "text": "\x1b[31mred\x1b[0m"}, "red"),
    ],
)
def test_output_is_read_as_it_is_seen(printed, shown):
    assert text("a.ipynb", notebook(cell("code", "", outputs=[printed]))) == shown


def test_notebook_of_old_is_read():
    cells = [cell("heading", "Tides", level=1), {"cell_type": "code", "input": "high", "outputs": []}]
    data = json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3})
    assert texts("a.ipynb", data) == ["# Tides", "high"]
    assert contexts("a.ipynb", data) == [("Tides",), ("Tides",)]


@pytest.mark.parametrize("data", ["{}", "[1]", '{"cells": 1}', '{"cells": [1, null]}', '{"cells": [', "text"])
def test_what_is_no_notebook_is_broken(data):
    with pytest.raises(BrokenDocument):
        read("a.ipynb", data)


def test_notebook_with_odd_members_is_read():
    data = notebook(
        cell("code", [1, "x"], outputs=[1, {"data": 1, "text": 2}]), cell("heading", "y", level="a")
    )
    assert texts("a.ipynb", data) == ["x", "y"]
