"""Errors that several rooms raise: a class name is the stable `code` that clients and logs see.

A room's own errors stand in it, as subclasses of these. Each row is a module; import from here.

kinds        AppError <- Permanent: it ends a job
                      <- Passing: a job waits, and tries again
                         <- Strange: for a quarter of an hour, as a setting may be wrong
unavailable  AppError <- Unavailable: HostUnavailable, JobTableUnavailable, JobTableFilling,
                         LedgerUnavailable, DecisionsUnavailable
settings     Permanent <- SettingsError: MissingSetting, InvalidSetting, UnresolvedReference
             Passing <- ConfigurationUnavailable
requests     AppError <- InvalidField, RequestTooLarge, RequestFailed
                      <- DateRangeError: EmptyStartDate, InvalidStartDate, EmptyEndDate, InvalidEndDate,
                         InvalidDateRange
                      <- IdempotencyError: InvalidIdempotencyKey, IdempotencyKeyReused, TrackingIdReused
jobs         AppError <- JobNotFound, JobRunning, EventRunning, NothingToRetry, NothingToApprove,
                         DecisionTaken, InvalidJob, BudgetReached
             Permanent <- JobEnded, JobCanceled, ApprovalRejected, ApprovalExpired
             Passing <- JobSuspended, StepRepeated
storage      Permanent <- ContainerNotAllowed
                       <- StorageError: TableNotFound, AccessDenied, StagedRunsMissing, LedgerMissing
             Strange <- EndpointUnusable
index        AppError <- NoLiveVersion, IndexUnavailable, IndexUnusable
                      <- PromotionError: QualityFell, NotEvaluated
             Permanent <- VersionNotFound
                       <- QuestionsError: QuestionsUnreadable, InvalidQuestions
             Passing <- VersionBusy
"""

from shared_code.errors.index import (
    IndexUnavailable,
    IndexUnusable,
    InvalidQuestions,
    NoLiveVersion,
    NotEvaluated,
    PromotionError,
    QualityFell,
    QuestionsError,
    QuestionsUnreadable,
    VersionBusy,
    VersionNotFound,
)
from shared_code.errors.jobs import (
    ApprovalExpired,
    ApprovalRejected,
    BudgetReached,
    DecisionTaken,
    EventRunning,
    InvalidJob,
    JobCanceled,
    JobEnded,
    JobNotFound,
    JobRunning,
    JobSuspended,
    NothingToApprove,
    NothingToRetry,
    StepRepeated,
)
from shared_code.errors.kinds import AppError, Passing, Permanent, Strange
from shared_code.errors.requests import (
    DateRangeError,
    EmptyEndDate,
    EmptyStartDate,
    IdempotencyError,
    IdempotencyKeyReused,
    InvalidDateRange,
    InvalidEndDate,
    InvalidField,
    InvalidIdempotencyKey,
    InvalidStartDate,
    RequestFailed,
    RequestTooLarge,
    TrackingIdReused,
)
from shared_code.errors.settings import (
    ConfigurationUnavailable,
    InvalidSetting,
    MissingSetting,
    SettingsError,
    UnresolvedReference,
)
from shared_code.errors.storage import (
    AccessDenied,
    ContainerNotAllowed,
    EndpointUnusable,
    LedgerMissing,
    StagedRunsMissing,
    StorageError,
    TableNotFound,
)
from shared_code.errors.unavailable import (
    DecisionsUnavailable,
    HostUnavailable,
    JobTableFilling,
    JobTableUnavailable,
    LedgerUnavailable,
    Unavailable,
)

__all__ = [
    "AccessDenied",
    "AppError",
    "ApprovalExpired",
    "ApprovalRejected",
    "BudgetReached",
    "ConfigurationUnavailable",
    "ContainerNotAllowed",
    "DateRangeError",
    "DecisionTaken",
    "DecisionsUnavailable",
    "EmptyEndDate",
    "EmptyStartDate",
    "EndpointUnusable",
    "EventRunning",
    "HostUnavailable",
    "IdempotencyError",
    "IdempotencyKeyReused",
    "IndexUnavailable",
    "IndexUnusable",
    "InvalidDateRange",
    "InvalidEndDate",
    "InvalidField",
    "InvalidIdempotencyKey",
    "InvalidJob",
    "InvalidQuestions",
    "InvalidSetting",
    "InvalidStartDate",
    "JobCanceled",
    "JobEnded",
    "JobNotFound",
    "JobRunning",
    "JobSuspended",
    "JobTableFilling",
    "JobTableUnavailable",
    "LedgerMissing",
    "LedgerUnavailable",
    "MissingSetting",
    "NoLiveVersion",
    "NotEvaluated",
    "NothingToApprove",
    "NothingToRetry",
    "Passing",
    "Permanent",
    "PromotionError",
    "QualityFell",
    "QuestionsError",
    "QuestionsUnreadable",
    "RequestFailed",
    "RequestTooLarge",
    "SettingsError",
    "StagedRunsMissing",
    "StepRepeated",
    "StorageError",
    "Strange",
    "TableNotFound",
    "TrackingIdReused",
    "Unavailable",
    "UnresolvedReference",
    "VersionBusy",
    "VersionNotFound",
]
