"""Where this host differs from the recorded engine, and why it does on purpose."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """One field that is not as recorded; its path names the record and the members down to it."""

    path: str
    recorded: Any
    given: Any

    def __str__(self) -> str:
        return f"{self.path}\n  recorded: {self.recorded!r}\n  given:    {self.given!r}"


@dataclass(frozen=True)
class OnPurpose:
    """Differences that are meant.

    Attributes:
        paths: a regular expression for the whole path.
        given: a regular expression for what this host gives.
        in_strict_parity: whether they are there in strict parity, too.
    """

    paths: str
    reason: str
    given: str = ".*"
    in_strict_parity: bool = True

    def explains(self, difference: Difference) -> bool:
        return bool(
            re.fullmatch(self.paths, difference.path)
            and re.fullmatch(self.given, str(difference.given), re.DOTALL)
        )


DIFFERENCES = (
    OnPurpose(
        r"exchange/(wait for|final) o-missing/content/ok/(status|runtimeStatus)|"
        r"exchange/list all/content/ok/<o-missing 1>/runtimeStatus",
        "an instance that calls an unknown activity fails, where Azure leaves it Running for ever",
        given="Failed",
        in_strict_parity=False,
    ),
    OnPurpose(
        r"exchange/(wait for|final) o-missing/content/ok/output|"
        r"exchange/list all/content/ok/<o-missing 1>/output",
        "its failure says which name is unknown",
        given=r".*The activity function 'does-not-exist' does not exist; .*",
        in_strict_parity=False,
    ),
    OnPurpose(
        r"exchange/rewind completed/content/text",
        "the record asked before the restarted instance had ended; here it always has",
        given=r"This orchestration has status Completed, .*",
    ),
    OnPurpose(
        r"exchange/list all/content/ok/<does-not-exist 1>/output",
        "the known orchestrators are listed by name; the recorded app had one more",
        given=r".* are the known orchestrator functions: 'o-act-fail', .*, 'o-timer'\.",
    ),
    OnPurpose(
        r"exchange/list all/content/ok/@counter@<o-entity 1>/input/sorter/"
        r"(ReceivedFromInstance|ReceiveHorizon)",
        "messages to an entity arrive in order, so that it need not remember whose it has seen",
        given=re.escape(ABSENT),
    ),
    OnPurpose(
        r"(execution/#1 <o-entity 1>/created|episode/o-entity)/\d+/Input/object/"
        r"(Timestamp|Predecessor)",
        "nothing reads these members, since messages arrive in order",
        given=r"<time>\.<fraction>Z|0001-01-01T00:00:00",
    ),
    OnPurpose(
        r"exchange/edge (GET|POST) /runtime/.*|execution/#1 <o-chain 3>",
        "keys are not asked for, so that a start without one starts an instance",
    ),
)


def differences(recorded: Any, given: Any, path: str) -> Iterator[Difference]:
    """Every field in which two JSON values differ, the order of members included."""
    if isinstance(recorded, dict) and isinstance(given, dict):
        yield from _member_differences(recorded, given, path)
    elif isinstance(recorded, list) and isinstance(given, list) and len(recorded) == len(given):
        for position, pair in enumerate(zip(recorded, given, strict=True)):
            yield from differences(*pair, f"{path}/{position}")
    elif recorded != given or type(recorded) is not type(given):
        yield Difference(path, recorded, given)


def unexplained(found: Iterable[Difference], *, strict_parity: bool) -> list[Difference]:
    """The differences that no entry of the table explains."""
    entries = expected(strict_parity=strict_parity)
    return [difference for difference in found if not any(entry.explains(difference) for entry in entries)]


def outdated(found: Iterable[Difference], *, strict_parity: bool) -> list[OnPurpose]:
    """The entries of the table that explain no difference any more."""
    known = list(found)
    return [entry for entry in expected(strict_parity=strict_parity) if not any(map(entry.explains, known))]


def listed(found: Iterable[object]) -> str:
    """One below the other, for the message of a failing test."""
    return "\n".join(map(str, found))


def expected(*, strict_parity: bool) -> list[OnPurpose]:
    """The entries that hold in a mode."""
    return [entry for entry in DIFFERENCES if entry.in_strict_parity or not strict_parity]


def _member_differences(recorded: dict[str, Any], given: dict[str, Any], path: str) -> Iterator[Difference]:
    for key in {**recorded, **given}:
        yield from differences(recorded.get(key, ABSENT), given.get(key, ABSENT), f"{path}/{key}")
    theirs, ours = [k for k in recorded if k in given], [k for k in given if k in recorded]
    if theirs != ours:
        yield Difference(f"{path}/(order)", theirs, ours)
