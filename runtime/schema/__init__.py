"""What a generator's data are, for datasets, networks, bundles and files alike: kind, units, ranges, conditions.

Three kinds: signals, images, tables. No engine and no file access enters here.
"""

from __future__ import annotations

from .condition import ClassCondition, Condition, NumberCondition
from .image import ImageSchema
from .read import schema_from_json
from .read_rules import read_rules
from .rules import Entry, Implies, Limit, Order, Rule, rules_of_classes
from .schema import Schema
from .signal import Channel, SignalSchema
from .table import CategoryColumn, Column, NumberColumn, TableSchema

__all__ = [
    "CategoryColumn",
    "Channel",
    "ClassCondition",
    "Column",
    "Condition",
    "Entry",
    "ImageSchema",
    "Implies",
    "Limit",
    "NumberColumn",
    "NumberCondition",
    "Order",
    "Rule",
    "Schema",
    "SignalSchema",
    "TableSchema",
    "read_rules",
    "rules_of_classes",
    "schema_from_json",
]
