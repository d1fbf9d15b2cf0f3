"""The judge of PostgreSQL: text and context → judgement."""

from gateway.judge.postgres.analysis import Effect, SqlJudgement, StatementAnalysis
from gateway.judge.postgres.cache import VerdictCache
from gateway.judge.postgres.context import DEFAULT_PATH, SearchPath, SqlContext
from gateway.judge.postgres.judge import judge
from gateway.judge.postgres.parameters import judge_parameter_types
from gateway.judge.postgres.snapshot import Snapshot

__all__ = [
    "DEFAULT_PATH",
    "Effect",
    "SearchPath",
    "Snapshot",
    "SqlContext",
    "SqlJudgement",
    "StatementAnalysis",
    "VerdictCache",
    "judge",
    "judge_parameter_types",
]
