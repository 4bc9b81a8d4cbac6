"""Handbooks of one company in many countries, alike but for what their rules say.

The country stands in a handbook's title, the subject in its headings; the text below names neither. Minutes
of meetings name both, and leave each question open.
"""

import random
from collections.abc import Iterator, Sequence

from local.golden.corpus import Corpus, Question

_COUNTRIES = (
    "Argentina", "Australia", "Austria", "Belgium", "Brazil", "Bulgaria", "Canada", "Chile", "Colombia",
    "Croatia", "Denmark", "Egypt", "Estonia", "Finland", "France", "Germany", "Ghana", "Greece", "Hungary",
    "Iceland", "India", "Indonesia", "Ireland", "Italy", "Japan", "Kenya", "Latvia", "Malaysia", "Mexico",
    "Morocco", "Nigeria", "Norway", "Pakistan", "Peru", "Poland", "Portugal", "Romania", "Senegal",
    "Singapore", "Spain", "Sweden", "Thailand", "Turkey", "Uganda", "Ukraine", "Uruguay", "Vietnam", "Zambia",
)  # fmt: skip
_Subject = tuple[str, str, Sequence[str]]
"""Its heading, what is asked about it, and what its text says, in words of its own."""

_SUBJECTS: Sequence[_Subject] = (
    ("Parental leave", "How many weeks of parental leave does {country} give?", (
        "Parents may stay at home for {n} weeks after the birth, and both may share them.",
        "Whoever wants to do so tells the office {m} weeks before, in writing.",
        "Until the return the post is kept free, and nobody may be dismissed for taking the time.",
        "An adoption counts like a birth, from the day on which the child comes into the family.",
    )),
    ("Overtime", "How is overtime paid in {country}?", (
        "What is worked beyond the usual hours is paid with {n} per cent on top.",
        "No more than {m} such hours may come together in a month, whoever asks for them.",
        "Time off instead is possible where both sides agree, within the following quarter.",
        "The team lead signs the sheet on the last working day, and nothing is added to it afterwards.",
    )),
    ("Travel expenses", "What is the daily allowance for travel expenses in {country}?", (
        "For each full day on the road {n} euros are paid without a receipt.",
        "A night in a hotel is refunded up to {m} times that amount, breakfast excluded.",
        "Trains come first; a flight needs a reason where the journey takes less than five hours by rail.",
        "Bills are handed in within a month, scanned, with the name of the customer on each.",
    )),
    ("Sick days", "From which day on is a certificate needed for sick days in {country}?", (
        "Whoever falls ill calls before nine, and sends a doctor's note from day {n} on.",
        "Full wages go on for {m} weeks, after which the insurance takes over.",
        "A child's illness is treated like one's own until the child turns twelve.",
        "The note goes to the office alone: colleagues are told of the absence and not of its cause.",
    )),
    ("Notice period", "How long is the notice period in {country}?", (
        "Either side may end the contract with {n} weeks' warning, to the end of a month.",
        "After ten years in the house the time grows by {m} weeks, for the employer alone.",
        "A letter on paper is needed, since a message by telephone or mail has no effect.",
        "Keys, computer and badge are given back on the last day, against a receipt.",
    )),
    ("Remote work", "How many days a week of remote work does {country} allow?", (
        "Up to {n} days in the week may be spent at a desk at home, once the trial time is over.",
        "A screen, a chair and {m} euros a month for power and heating come from the company.",
        "Papers with the names of customers stay in the building, and screens face no window.",
        "Meetings on Tuesdays are held in person, unless the whole team agrees on something else.",
    )),
    ("Company cars", "After how many kilometres are company cars replaced in {country}?", (
        "A vehicle is handed back after {n} thousand kilometres, or when the lease ends.",
        "Fuel is paid by card; private trips are taxed at {m} cents each kilometre.",
        "Tyres are changed by the dealer twice a year, and scratches are reported within a day.",
        "Whoever loses the licence says so at once and parks the vehicle in the yard.",
    )),
    ("Pension plan", "What share of wages goes into the pension plan in {country}?", (
        "The employer adds {n} per cent of gross pay to a fund that each may choose from a list.",
        "The money belongs to the employee after {m} years, and moves along to a new job.",
        "A statement comes every spring and shows what may be expected at the age of sixty-seven.",
        "Payments may rest during unpaid time, and be caught up with later without any fee.",
    )),
    ("Training budget", "How much is the training budget a year in {country}?", (
        "Everybody may spend {n} hundred euros a year on courses, books and conferences.",
        "Of the hours needed, {m} a month count as work, the rest is one's own.",
        "Whoever leaves within a year of a long course pays back half of its price.",
        "Languages are always welcome; for anything else the team lead has to see the use.",
    )),
    ("Public holidays", "What happens in {country} with public holidays that fall on a Sunday?", (
        "A feast that falls on a weekend is made up for on one of the next {n} Mondays.",
        "Those who must be on duty get {m} per cent more and another free day.",
        "Days of other faiths can be swapped for one of the list, asked for in January.",
        "On the eves of the two great feasts the offices close at noon.",
    )),
)  # fmt: skip
_ASIDES = (
    "In doubt the works council is asked before anything is decided.",
    "Exceptions are made by the head of the office, in writing, and are kept for five years.",
    "What was agreed on before this edition stays as it is until it ends by itself.",
    "Trainees are treated as all others here, except where their own contract says more.",
    "The form for it hangs in the hall, next to the list of those who can give first aid.",
    "Part-time staff have the same right in proportion to their hours.",
    "Whoever thinks that this was not kept to may turn to the ombudsperson without going through anyone.",
    "The figures are looked at again each autumn, together with those of the neighbouring offices.",
)
_QUESTIONS = 240
_PARTS = 2
_OPEN_ITEMS = 4


def handbooks() -> Corpus:
    """The corpus, with a question about every other section."""
    dice = random.Random(48)  # noqa: S311 - repeatable texts, nothing secret
    documents: dict[str, str] = {}
    asked: list[Question] = []
    for country in _COUNTRIES:
        subjects = dice.sample(_SUBJECTS, len(_SUBJECTS))
        for part in range(_PARTS):
            name = f"handbooks/{country.lower()}-{part + 1}.md"
            told = subjects[part::_PARTS]
            documents[name] = _handbook(country, told, dice)
            asked += [Question(question.format(country=country), (name,)) for _, question, _ in told]
    documents.update(_minutes(dice))
    return Corpus("handbooks", documents, sorted(dice.sample(asked, _QUESTIONS), key=lambda each: each.text))


def _handbook(country: str, subjects: Sequence[_Subject], dice: random.Random) -> str:
    sections = (f"## {heading}\n\n{_section(sentences, dice)}\n" for heading, _, sentences in subjects)
    return f"# Handbook for {country}\n\n" + "\n".join(sections)


def _section(sentences: Sequence[str], dice: random.Random) -> str:
    told = [sentence.format(n=dice.randint(2, 60), m=dice.randint(2, 30)) for sentence in sentences]
    first, rest = told[0], [*told[1:], *dice.sample(_ASIDES, 4)]
    dice.shuffle(rest)
    return "\n\n".join((" ".join((first, *rest[:3])), " ".join(rest[3:])))


def _minutes(dice: random.Random) -> Iterator[tuple[str, str]]:
    """Meetings at which rules of a country were spoken of, and nothing was said that answers a question."""
    for country in dice.sample(_COUNTRIES, len(_COUNTRIES) // 2):
        subjects = dice.sample(_SUBJECTS, _OPEN_ITEMS)
        items = "\n\n".join(_open_item(country, heading, dice) for heading, _, _ in subjects)
        yield f"minutes/{country.lower()}.md", f"# Minutes of the meeting with {country}\n\n{items}\n"


def _open_item(country: str, heading: str, dice: random.Random) -> str:
    subject = heading.lower()
    return dice.choice((
        f"{country} asks what the handbook says about {subject}. Nobody present knows; to be looked up.",
        f"The chapter on {subject} was sent to {country} in draft. Comments are expected by Friday.",
        f"It was asked whether {subject} in {country} is up to date. Postponed to the next meeting.",
    ))  # fmt: skip
