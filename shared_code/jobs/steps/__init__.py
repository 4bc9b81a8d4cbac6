"""The steps of jobs: what each activity gets, and what it answers; one class for either end.

An activity answers `{"ok": true, ...}`, or `{"ok": false, "error"[, "trouble", "counts"]}`, which is Failed.
Names on the wire stay as they are in histories that were recorded: a job may run across a deployment.
"""

from shared_code.jobs.steps.answers import Done, Failed, ItemDone
from shared_code.jobs.steps.audit_query import CountDistinct, DistinctCounted, QueryWindow, WindowRead
from shared_code.jobs.steps.control import CheckJob, Decided, Discarded, DiscardStaged, TakeDecision
from shared_code.jobs.steps.embed_event import EmbedEvent, EventFetched, FetchEvent, PoisonEvent
from shared_code.jobs.steps.embed_files import DeleteStale, EmbedPage, ListFiles, PartListed
from shared_code.jobs.steps.evaluate import AskQuestions, QuestionsRead, ReadQuestions, SummedUp, SumUp
from shared_code.jobs.steps.paid_page import PaidPage

__all__ = [
    "AskQuestions",
    "CheckJob",
    "CountDistinct",
    "Decided",
    "DeleteStale",
    "DiscardStaged",
    "Discarded",
    "DistinctCounted",
    "Done",
    "EmbedEvent",
    "EmbedPage",
    "EventFetched",
    "Failed",
    "FetchEvent",
    "ItemDone",
    "ListFiles",
    "PaidPage",
    "PartListed",
    "PoisonEvent",
    "QueryWindow",
    "QuestionsRead",
    "ReadQuestions",
    "SumUp",
    "SummedUp",
    "TakeDecision",
    "WindowRead",
]
