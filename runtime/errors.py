"""The few errors Edgeward raises on purpose, each with the exit code its command ends with.

A message says what was wrong, where, and what to do. Anything else that escapes is a defect of ours.
"""


class EdgewardError(Exception):
    """Base of every error that is the fault of an input or of the machine, not of the code."""

    exit_code = 1


class RequestError(EdgewardError):
    """What was asked for makes no sense: an unknown condition, a value out of range, n < 1."""

    exit_code = 2  # the code click uses for a wrong command line


class DataError(EdgewardError):
    """A dataset is missing, damaged, foreign, or too small for what was asked."""

    exit_code = 3


class BundleError(EdgewardError):
    """A bundle is damaged, incomplete, tampered with, or made for a newer runtime."""

    exit_code = 4


class BackendError(EdgewardError):
    """An engine is absent, refuses the model, or does not do what was asked of it."""

    exit_code = 5


class OutputError(EdgewardError):
    """A result cannot be written: no space, no permission, or something is in the way."""

    exit_code = 6


class GateError(EdgewardError):
    """A result was made but is not good enough: a failed self-check or a breached quality allowance."""

    exit_code = 7


class TrainingError(EdgewardError):
    """Training cannot go on: it diverged, or a checkpoint or recipe is damaged or does not fit."""

    exit_code = 8
