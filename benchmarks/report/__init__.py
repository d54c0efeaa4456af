"""Pages to look at: of `edgeward demo` (`demo_page`), and of `edgeward evaluate` (`evidence_page`)."""

from .demo_content import (
    BeatClass,
    BundleFacts,
    Command,
    CompressionStep,
    DataSource,
    DemoPage,
    Fact,
    LatencyRow,
    QualityRow,
    Role,
)
from .demo_page import SYNTHETIC_MARK, render_demo_page

__all__ = [
    "SYNTHETIC_MARK",
    "BeatClass",
    "BundleFacts",
    "Command",
    "CompressionStep",
    "DataSource",
    "DemoPage",
    "Fact",
    "LatencyRow",
    "QualityRow",
    "Role",
    "render_demo_page",
]
