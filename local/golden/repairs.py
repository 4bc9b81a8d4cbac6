"""Repair notes of a workshop, and questions of customers who call everything by another name.

No question has a word that matters of the note that answers it. The words that it has stand in notices about
something else.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local.golden.corpus import Corpus, Question


@dataclass(frozen=True)
class _Matter:
    """A thing or a fault in the words of the workshop, of its customers, and of a notice with the latter."""

    workshop: str
    customer: str
    notice: str


_THINGS = (
    _Matter("automobile", "car", "The car park behind the hall is closed on Sundays."),
    _Matter("bicycle", "bike", "Bike lanes are painted red as far as the bridge."),
    _Matter("television set", "TV", "The TV licence of the canteen was paid."),
    _Matter("refrigerator", "fridge", "The fridge door is no notice board: use the one in the hall."),
    _Matter("telephone", "mobile", "The mobile library comes every other Thursday."),
    _Matter("laundry machine", "washer", "A washer goes under each nut, or the thread suffers."),
    _Matter("computer", "laptop", "Laptop bags are found in the lost property of the hall."),
    _Matter("vessel", "boat", "The boat show was visited by nine hundred people."),
    _Matter("aeroplane", "aircraft", "Aircraft noise is measured on the roof from May."),
    _Matter("stove", "cooker", "The cooker of the canteen wishes everybody a good new year."),
    _Matter("spectacles", "glasses", "Glasses and cups are returned to the counter."),
    _Matter("wristwatch", "clock", "Work is round the clock in the week of the fair."),
    _Matter("sofa", "couch", "The couch of the team visits us for a day of training."),
    _Matter("lorry", "truck", "The hand truck is back in the store by five."),
    _Matter("piano", "keyboard", "Keyboard shortcuts are listed beside each desk."),
    _Matter("elevator", "lift", "Lift with the knees and never with the back."),
)
_FAULTS = (
    _Matter(
        "It does not ignite, however long one turns the key.",
        "won't start",
        "Start times won't change before the summer.",
    ),
    _Matter(
        "An unpleasant odour comes out of the inside.",
        "smells bad",
        "Bad smells in the yard are a matter for the town.",
    ),
    _Matter(
        "A loud racket is heard while it is in operation.",
        "makes a lot of noise",
        "A lot of noise was made about the new roster.",
    ),
    _Matter(
        "Liquid drips onto the floor below it.",
        "is leaking",
        "Names are leaking out of the office, it is said.",
    ),
    _Matter(
        "The temperature rises until it can no longer be touched.",
        "gets too hot",
        "Nobody gets too hot in the hall, now that the fans run.",
    ),
    _Matter(
        "The glass at its front has cracks.",
        "has a broken screen",
        "The folding screen is broken and was thrown away.",
    ),
    _Matter(
        "Corrosion has eaten into its metal parts.",
        "is full of rust",
        "The rust red of the doors is full of life.",
    ),
    _Matter(
        "Its power cell is exhausted after an hour.",
        "has a dead battery",
        "The old battery by the shore is dead quiet at night.",
    ),
    _Matter(
        "Mice have gnawed at the cables.",
        "was chewed by rodents",
        "Gum that was chewed belongs in the bin; no rodents live there.",
    ),
    _Matter(
        "Paint is peeling off, and the surface has scratches.",
        "looks shabby",
        "The sign at the gate looks shabby.",
    ),
    _Matter(
        "Its owner was robbed of it by a burglar.",
        "got stolen",
        "Time got stolen by a meeting that nobody needed.",
    ),
    _Matter(
        "It moves more slowly than it used to.",
        "has lost its speed",
        "Lost at speed: the ferry's flag. It has gone for good.",
    ),
    _Matter(
        "Smoke rises, and flames were seen.",
        "caught fire",
        "The fire drill caught nobody by surprise.",
    ),
    _Matter(
        "The invoice was higher than the estimate.",
        "cost more than I was told",
        "I was told that the trip will cost more than last time.",
    ),
)  # fmt: skip
_ASKED = ("My {thing} {fault}.", "The {thing} {fault}: what now?", "Help, the {thing} {fault}!")
_HANDLING = (
    "The colleagues of the late shift look after it, and write down what they used.",
    "A second person checks the work before the owner is told.",
    "Spare parts come from the store on the first floor.",
    "The job is entered in the green book, with the date and two initials.",
    "Such a case takes half a day, and a whole one in December.",
    "What was taken out goes back to its owner in a bag.",
)
_QUESTIONS = 210


def repairs() -> Corpus:
    """The corpus: a note for each thing and fault, and notices between them."""
    dice = random.Random(16)  # noqa: S311 - repeatable texts, nothing secret
    documents: dict[str, str] = {}
    asked: list[Question] = []
    for thing in _THINGS:
        for fault in _FAULTS:
            name = f"notes/{len(documents):03}.md"
            documents[name] = _note(thing, fault, dice)
            question = dice.choice(_ASKED).format(thing=thing.customer, fault=fault.customer)
            asked.append(Question(question, (name,)))
    documents.update(_notices(dice))
    return Corpus("repairs", documents, sorted(dice.sample(asked, _QUESTIONS), key=lambda each: each.text))


def _note(thing: _Matter, fault: _Matter, dice: random.Random) -> str:
    handling = dice.choice(_HANDLING)
    number = dice.randint(100, 999)
    return (
        f"# Note {number}\n\n## The {thing.workshop}\n\n"
        f"{fault.workshop} The {thing.workshop} stands in bay {number % 9}. {handling}\n"
    )


def _notices(dice: random.Random) -> Iterator[tuple[str, str]]:
    """Each has words of a thing and of a fault as customers use them, and answers nobody."""
    pairs: Sequence[tuple[_Matter, _Matter]] = [(thing, fault) for thing in _THINGS for fault in _FAULTS]
    for number, (thing, fault) in enumerate(dice.sample(pairs, len(pairs) // 4)):
        sentences = [thing.notice, fault.notice, *dice.sample(_HANDLING, 1)]
        dice.shuffle(sentences)
        yield f"notices/{number:03}.md", f"# Notice of week {number % 52 + 1}\n\n{' '.join(sentences)}\n"
