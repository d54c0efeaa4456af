"""The randomness of private training: from a key that the system's entropy gave, and no seed that could be guessed.

Who knows which records were drawn, or the noise, has no promise to break: a seed on a command line or in a card would
void it. Each step's numbers still depend on (key, step) alone, so that a run resumed with its key is the same run.
"""

from __future__ import annotations

import secrets

import numpy as np

_BITS = 128


class Secret:
    """Streams of random numbers by purpose and step.

    Args:
        key: 128 bits as 32 hexadecimal digits; None: new ones.
    """

    def __init__(self, key: str | None = None) -> None:
        self.key = f"{secrets.randbits(_BITS):032x}" if key is None else key
        """To be kept as secret as the data, until training is complete and it is forgotten."""

    def chosen(self, step: int) -> np.random.Generator:
        """Says who is in a step."""
        return self._stream(0, step)

    def draws(self, step: int) -> np.random.Generator:
        """The random numbers inside the losses of a step."""
        return self._stream(1, step)

    def noise(self, step: int) -> np.random.Generator:
        """The noise on a step's gradient."""
        return self._stream(2, step)

    def counts(self) -> np.random.Generator:
        """The noise on counts of classes."""
        return self._stream(3, 0)

    def _stream(self, purpose: int, step: int) -> np.random.Generator:
        # The two lower words of the counter are left to count: streams cannot meet.
        return np.random.Generator(np.random.Philox(key=int(self.key, 16), counter=[0, 0, step, purpose]))
