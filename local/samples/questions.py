"""Golden questions about the sample documents, and who answers them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from local.samples.documents import CONTAINER

QUESTIONS_CONTAINER, QUESTIONS_NAME = "golden", "harbour.jsonl"
QUESTIONS = f"{QUESTIONS_CONTAINER}/{QUESTIONS_NAME}"
"""Beside the container of the documents, so that no job embeds it."""
SHOWN = (
    "What does a cubic metre of fresh water cost?",
    "Where does the pilot come aboard?",
    "How deep is the water at berth E5?",
)
"""Questions that the demo asks aloud."""
ANSWERED_BY: Mapping[str, Sequence[str]] = {
    SHOWN[0]: ["handbook/tariff.pdf", "texts/notice-utf16.txt"],
    SHOWN[1]: ["handbook/pilotage.txt"],
    SHOWN[2]: ["registers/berths.csv"],
    "When is an invoice due?": ["handbook/tariff.pdf", "texts/notice-utf16.txt"],
    "What is charged for waste that nobody has sorted?": ["handbook/tariff.pdf", "texts/notice-utf16.txt"],
    "How many lines does a vessel need in strong wind?": ["handbook/mooring.md", "registers/incidents.jsonl"],
    "Whom does a vessel call before it moors?": [
        "handbook/mooring.md",
        "handbook/welcome.html",
        "registers/incidents.jsonl",
    ],
    "Who may refuse to sail in fog?": ["handbook/pilotage.txt"],
    "How much can the gantry crane lift?": ["handbook/cranes.docx", "registers/incidents.jsonl"],
    "How often is the slewing ring greased?": ["handbook/cranes.docx", "registers/incidents.jsonl"],
    "How long is the vessel Grete?": ["registers/vessels.json"],
    "On which days was the ladder of Dagny loose?": ["registers/inspections.xlsx"],
    "Which berths are longer than 130 metres?": ["registers/berths.csv"],
    "What happened to Cormorant in September?": ["registers/incidents.jsonl"],
}


def lines() -> str:
    """The questions as an evaluation reads them."""
    asked = {question: [f"{CONTAINER}/{name}" for name in names] for question, names in ANSWERED_BY.items()}
    values = ({"question": question, "sources": sources} for question, sources in asked.items())
    return "".join(f"{json.dumps(value)}\n" for value in values)


def write(blobs: BlobServiceClient) -> None:
    """Writes the questions; the same ones once more do no harm."""
    container = blobs.get_container_client(QUESTIONS_CONTAINER)
    with suppress(ResourceExistsError):
        container.create_container()
    container.upload_blob(QUESTIONS_NAME, lines(), overwrite=True)
