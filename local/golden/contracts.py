"""Letters about contracts that differ by their numbers and by what was agreed, and in little else.

Numbers resemble each other, and all letters name other contracts, too: the ones that they replace, and the
ones that they are filed beside.
"""

import random
from collections.abc import Sequence

from local.golden.corpus import Corpus, Question

_LETTERS = 420
_QUESTIONS = 220
_PARTIES = (
    "the port authority", "the pilots", "the tug company", "the customs office", "the ice works",
    "the ship chandler", "the crane maker", "the fish market", "the railway", "the grain store",
)  # fmt: skip
_SUBJECTS = (
    "the upkeep of the north quay", "the hire of two cranes", "the supply of fresh water",
    "the removal of ice in winter", "the storage of timber", "the cleaning of the sheds",
    "the guard at the east gate", "the dredging of the channel", "the lamps of both moles",
    "the weighing of lorries",
)  # fmt: skip
_ASKED = (
    "What does the letter on contract {number} say about its price?",
    "When does contract {number} end?",
    "Which terms were agreed on in contract {number}?",
    "Who has to be told before contract {number} is given up?",
)
_REGARDS = (
    "Please let us have a signed copy for our files before the month is out.",
    "Should anything be unclear, the desk in the customs house is open from eight to four.",
    "All other terms stay as they were, and nothing that was said at the table changes them.",
    "The annexes are sent apart, since they did not fit into this envelope.",
    "Both sides keep one copy; the third is for the notary.",
    "This settles what was talked about at our last meeting.",
)


def contracts() -> Corpus:
    """The corpus, with a question about every other letter."""
    dice = random.Random(2047)  # noqa: S311 - repeatable texts, nothing secret
    numbers = [f"K{dice.randint(20, 29)}-{dice.randint(100, 139)}" for _ in range(3 * _LETTERS)]
    numbers = sorted(set(numbers))
    dice.shuffle(numbers)
    numbers = numbers[:_LETTERS]
    documents = {
        _name(place): _letter(number, _neighbours(number, numbers, dice), dice)
        for place, number in enumerate(numbers)
    }
    asked = dice.sample(range(len(numbers)), _QUESTIONS)
    questions = [
        Question(dice.choice(_ASKED).format(number=numbers[place]), (_name(place),))
        for place in sorted(asked)
    ]
    return Corpus("contracts", documents, questions)


def _name(place: int) -> str:
    return f"letters/{place:04}.md"


def _neighbours(number: str, numbers: Sequence[str], dice: random.Random) -> list[str]:
    """Three other contracts, most of them of the same series."""
    series = [other for other in numbers if other[:3] == number[:3] and other != number]
    return dice.sample(series, 2) + dice.sample([other for other in numbers if other[:3] != number[:3]], 1)


def _letter(number: str, others: Sequence[str], dice: random.Random) -> str:
    replaced, beside, settled = others
    party, subject = dice.choice(_PARTIES), dice.choice(_SUBJECTS)
    months = dice.randint(1, 6)
    told = [
        f"The price is {dice.randint(2, 90)}00 euros a month, and is paid in advance.",
        f"It ends after {dice.randint(2, 9)} years, unless one side gives notice {months} months before.",
        f"It takes the place of {replaced}, which is void from then on.",
        f"Whoever wants to give it up tells the harbour office and {dice.choice(_PARTIES)}.",
        f"In our files you find it beside {beside}, whose terms are other ones.",
        f"What is owed under {settled} has been settled, and is not touched by this.",
    ]
    dice.shuffle(told)
    closing = " ".join(dice.sample(_REGARDS, 3))
    opening = f"To {party}: this letter confirms what we agreed on for {subject}."
    return f"# Contract {number}\n\n{opening}\n\n{' '.join(told)}\n\n{closing}\n"
