"""What log lines look like, where errors point to, and which records host.json lets through."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devhost.app.app_frames import AppFrames
from devhost.logs import CategoryLevels, JsonFormatter, LineFormatter, category_of, set_up_logging
from devhost.settings.app_settings import DEBUG_LOGGING
from devhost.worker import invocation
from tests.devhost.sample_app import SampleApp

CALL = invocation.Invocation("call-1", "work", "instance-1")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, format_warning = root.handlers[:], root.level, warnings.formatwarning
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    own = logging.getLogger("devhost")
    own.handlers[:], own.propagate = [], True
    logging.captureWarnings(capture=False)
    warnings.formatwarning = format_warning


@pytest.fixture
def call() -> Iterator[None]:
    """The test's own code runs as a function's."""
    token = invocation.current.set(CALL)
    yield
    invocation.current.reset(token)


def record(name: str = "app", level: int = logging.INFO, error: BaseException | None = None) -> Any:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, level, "main.py", 1, "said %s", ("so",), info)


def error_of(app: SampleApp) -> BaseException:
    """An error that comes up in a library which the app's code calls."""
    file = app.file("job/main.py", "import json\ndef main():\n    return json.loads('{')\n")
    code: dict[str, Callable[[], object]] = {}
    exec(compile(file.read_text(), str(file), "exec"), code)  # noqa: S102 - the app's code
    with pytest.raises(ValueError, match="Expecting") as raised:
        code["main"]()
    return raised.value


@pytest.mark.usefixtures("call")
def test_line_holds_time_level_function_instance_and_message(app: SampleApp):
    line = LineFormatter(AppFrames(app.root)).format(record())
    assert line[2] == line[5] == ":"
    assert line[12:] == " INFO    [work instance] said so"


def test_traceback_shows_the_frames_of_the_app_alone(app: SampleApp):
    shown = LineFormatter(AppFrames(app.root)).format(record(error=error_of(app)))
    assert f'File "{app.root}/job/main.py", line 3, in main' in shown
    assert "json/decoder.py" not in shown
    assert "JSONDecodeError: Expecting property name" in shown


def test_verbose_traceback_shows_every_frame(app: SampleApp):
    shown = LineFormatter(AppFrames(app.root), verbose=True).format(record(error=error_of(app)))
    assert f'File "{app.root}/job/main.py", line 3, in main' in shown
    assert "json/decoder.py" in shown


@pytest.mark.parametrize("packages", ["site-packages", "dist-packages"])
def test_package_that_lies_in_the_folder_of_the_app_is_not_its_own_code(app: SampleApp, packages: str):
    assert not AppFrames(app.root).holds(f"{app.root.resolve()}/lib/{packages}/azure/cosmos/errors.py")


def test_error_from_outside_the_app_is_shown_whole(app: SampleApp):
    shown = LineFormatter(AppFrames(app.root / "elsewhere")).format(record(error=error_of(app)))
    assert "json/decoder.py" in shown


@pytest.mark.usefixtures("call")
def test_json_line_names_call_and_place_of_the_error(app: SampleApp):
    line = JsonFormatter(AppFrames(app.root)).format(record(level=logging.ERROR, error=error_of(app)))
    shown = json.loads(line)
    error = shown.pop("error")
    assert shown.pop("time").endswith("Z")
    assert shown == {
        "level": "ERROR",
        "logger": "app",
        "message": "said so",
        "function": "work",
        "invocation": "call-1",
        "instance": "instance-1",
    }
    assert (error["type"], error["file"], error["line"]) == (
        "JSONDecodeError",
        f"{app.root}/job/main.py",
        3,
    )
    assert "\n" not in line


def test_json_members_are_there_without_call_and_error(app: SampleApp):
    shown = json.loads(JsonFormatter(AppFrames(app.root)).format(record()))
    assert [shown[name] for name in ("function", "invocation", "instance", "error")] == [None] * 4


def test_warning_of_python_is_one_line(app: SampleApp):
    stream = io.StringIO()
    set_up_logging({"default": "Information"}, app.root, stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn_explicit("mind this", UserWarning, "main.py", 7)
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("UserWarning: mind this (main.py, line 7)")


@pytest.mark.parametrize(
    ("stream", "no_color", "coloured"),
    [(Terminal(), None, True), (Terminal(), "1", False), (io.StringIO(), None, False)],
)
def test_only_a_terminal_without_no_color_gets_colours(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, no_color: str | None, *, coloured: bool
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    set_up_logging({"default": "Information"}, Path(), stream=stream)
    logging.getLogger("app").warning("careful")
    assert ("\x1b[" in stream.getvalue()) is coloured


@pytest.mark.parametrize(
    ("logger", "category"),
    [
        ("app", "Function.work.User"),
        ("devhost.worker.worker", "Function.work"),
        ("devhost.engine.dispatcher", "Host.Triggers.DurableTask"),
    ],
)
@pytest.mark.usefixtures("call")
def test_record_of_a_call_has_the_category_that_azure_gives_it(logger: str, category: str):
    assert category_of(record(logger)) == category


def test_longest_category_of_host_json_decides_the_level():
    levels = CategoryLevels({"default": "Warning", "Host": "Error", "Host.Triggers": "Information"})
    assert not levels.accepts(record("library"))
    assert not levels.accepts(record("devhost.host", logging.WARNING))
    assert levels.accepts(record("devhost.engine.dispatcher"))


@pytest.mark.usefixtures("call")
def test_function_can_be_silenced_alone():
    levels = CategoryLevels({"default": "Information", "Function.work": "None"})
    assert not levels.accepts(record("app", logging.CRITICAL))


@pytest.mark.parametrize("name", ["azure.functions", "azure.functions.mine", "azure_functions_worker"])
def test_logger_that_is_the_platforms_on_azure_is_not_shown_and_named_once(name: str):
    stream = io.StringIO()
    set_up_logging({"default": "Information"}, Path(), stream=stream)
    for text in ("hello", "again"):
        logging.getLogger(name).warning(text)
    assert f"Records of the logger '{name}' are not shown" in stream.getvalue()
    assert stream.getvalue().endswith("The first is: hello\n")


def test_category_below_the_default_level_still_gets_through(capsys: pytest.CaptureFixture[str]):
    stream = io.StringIO()
    set_up_logging({"default": "Warning", "Host": "Debug"}, Path(), stream=stream)
    logging.getLogger("devhost.host").debug("detail")
    logging.getLogger("library").info("noise")
    assert stream.getvalue().count("\n") == 1
    assert "detail" in stream.getvalue()


@pytest.mark.parametrize(("setting", "shown"), [("1", 1), ("TRUE", 1), ("0", 0), ("", 0)])
def test_debug_records_of_the_app_are_shown_only_with_their_setting(
    monkeypatch: pytest.MonkeyPatch, setting: str, shown: int
):
    monkeypatch.setenv(DEBUG_LOGGING, setting)
    stream = io.StringIO()
    set_up_logging({"default": "Debug"}, Path(), stream=stream)
    logging.getLogger("app").debug("detail")
    logging.getLogger("devhost.host").debug("always")
    assert (stream.getvalue().count("detail"), stream.getvalue().count("always")) == (shown, 1)


FORGED = "x\n12:00:00.000 ERROR   [job] forged"


def saying(text: str, name: str = "app") -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, "main.py", 1, "said %s", (text,), None)


@pytest.mark.parametrize("name", ["app", "devhost.engine.dispatcher"])
def test_line_break_from_outside_cannot_begin_a_line_of_the_log(app: SampleApp, name: str):
    first, *others = LineFormatter(AppFrames(app.root)).format(saying(FORGED, name)).split("\n")
    assert first.endswith(" said x" if name == "app" else r" said x\n12:00:00.000 ERROR   [job] forged")
    assert all(line.startswith("    ") for line in others)


def test_text_of_an_error_cannot_begin_a_line_of_the_log(app: SampleApp):
    shown = LineFormatter(AppFrames(app.root)).format(record(error=ValueError(FORGED)))
    assert "forged" in shown
    assert all(line.startswith("    ") for line in shown.splitlines()[1:])


UNSAFE = [
    "\x1b[2J",
    "\r",
    "\b",
    "\x07",
    "\x7f",
    "\x9b31m",
    "\x85",
    "\u2028",
    "\u202e",
    "\u2066",
    "\udce9",
    "\0",
]


@pytest.mark.parametrize("unsafe", UNSAFE, ids=ascii)
@pytest.mark.parametrize("name", ["app", "devhost.web.http_server"])
def test_what_would_steer_a_terminal_is_shown_as_an_escape(app: SampleApp, unsafe: str, name: str):
    shown = LineFormatter(AppFrames(app.root)).format(saying(unsafe, name))
    assert unsafe[0] not in shown
    assert f"\\u{ord(unsafe[0]):04x}{unsafe[1:]}" in shown
    written = JsonFormatter(AppFrames(app.root)).format(saying(unsafe, name))
    assert written.encode().decode().isprintable()
    assert json.loads(written)["message"] == f"said {unsafe}"


def test_text_in_any_language_is_shown_as_it_is(app: SampleApp):
    text = "Grüße, 世界, \U0001f600\tand a tab"
    assert LineFormatter(AppFrames(app.root)).format(saying(text)).endswith(f"said {text}")


def test_instance_id_from_outside_is_escaped_too(app: SampleApp):
    token = invocation.current.set(invocation.Invocation("call", "work", "\x1b[31m"))
    shown = LineFormatter(AppFrames(app.root)).format(record())
    invocation.current.reset(token)
    assert r"[work \u001b[31m]" in shown
