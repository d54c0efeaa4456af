"""Quality of generated data, judged against held-out real data. Needs the `evaluate` extra (torch, scikit-learn)."""

from .evidence import EVIDENCE_NAME, Evidence, PrivacyRecord
from .judge import FULL, QUICK, Effort, TrainShadow, judge
from .records import Records, Task, generated
from .rows import Loss, Source

__all__ = [
    "EVIDENCE_NAME",
    "FULL",
    "QUICK",
    "Effort",
    "Evidence",
    "Loss",
    "PrivacyRecord",
    "Records",
    "Source",
    "Task",
    "TrainShadow",
    "generated",
    "judge",
]
