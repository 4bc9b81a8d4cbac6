"""Every function stands behind the edge: whatever its libraries raise, the host gets what it can take."""

import asyncio
import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from shared_code.edge import FunctionFailed, at_edge

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(path.parent.name for path in ROOT.glob("*/main.py"))
HALF = "half of a pair: \ud800"


class Panic(BaseException):
    """Stands for a panic of a Rust library, which PyO3 raises as a BaseException."""


class Hostile:
    """Raises whatever is done with it."""

    def __init__(self, error: BaseException) -> None:
        object.__setattr__(self, "error", error)

    def __getattribute__(self, name: str) -> Any:
        raise object.__getattribute__(self, "error")

    def __getitem__(self, key: Any) -> Any:
        raise object.__getattribute__(self, "error")


class Mute(Exception):
    """An error of whose text nobody gets anything but another error."""

    def __str__(self) -> str:
        raise SystemExit(1)


def main_of(folder: str) -> Any:
    spec = spec_from_file_location(f"edge_{folder}".replace("-", "_"), ROOT / folder / "main.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


async def call(main: Any, argument: Any) -> Any:
    wanted = main.__wrapped__.__code__.co_argcount
    result = main(*[argument] * wanted)
    return await result if asyncio.iscoroutine(result) else result


def is_problem(answer: Any) -> bool:
    return isinstance(answer, func.HttpResponse) and bool(json.loads(answer.get_body())["code"])


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "error",
    [Panic("a panic"), SystemExit(3), ValueError(HALF), asyncio.CancelledError(), Mute()],
    ids=["panic", "exit", "half-a-surrogate", "cancelled-by-a-library", "mute"],
)
async def test_whatever_a_function_raises_leaves_it_as_an_ordinary_exception_or_a_value(folder, error):
    try:
        answer = await call(main_of(folder), Hostile(error))
    except Exception as left:  # noqa: BLE001 - any ordinary exception is right here
        str(left).encode()
    else:
        assert is_problem(answer) or answer["ok"] is False


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_main_is_behind_the_edge(folder):
    assert main_of(folder).__code__.co_filename.endswith("edge.py")


async def test_call_that_the_host_cancels_ends_as_cancelled():
    @at_edge
    async def wait() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_ordinary_exception_stays_as_it_is():
    @at_edge
    def fail() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        fail()


def test_text_that_cannot_be_written_is_passed_on_escaped():
    @at_edge
    def fail() -> None:
        raise ValueError(HALF)

    with pytest.raises(FunctionFailed, match=r"ValueError: half of a pair: \\ud800"):
        fail()


def test_cause_that_cannot_be_written_is_not_passed_on():
    @at_edge
    def fail() -> None:
        raise ValueError("plain") from ValueError(HALF)

    with pytest.raises(FunctionFailed) as failed:
        fail()
    assert failed.value.__suppress_context__


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        GeneratorExit(),
        BaseExceptionGroup("many", [KeyboardInterrupt()]),
        ExceptionGroup("many", [ValueError(HALF)]),
        Mute(),
        ValueError("x" * 1_000_000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_no_host_can_take_is_passed_on_as_a_short_text(error):
    @at_edge
    def fail() -> None:
        raise error

    with pytest.raises(FunctionFailed, match=type(error).__name__) as failed:
        fail()
    assert len(str(failed.value)) < 10_000


def test_chain_of_causes_without_end_is_not_passed_on():
    @at_edge
    def fail() -> None:
        error = ValueError("the first")
        for number in range(1_000):
            error, error.__cause__ = ValueError(number), error
        raise error

    with pytest.raises(FunctionFailed):
        fail()


@pytest.mark.parametrize(
    "error", [RecursionError("too deep"), MemoryError(), ExceptionGroup("a", [OSError(2)])]
)
def test_ordinary_exception_of_python_stays_as_it_is(error):
    @at_edge
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        fail()
