"""Checkpoints: written atomically, read without running anything in them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..runtime.atomic import atomic_file
from ..runtime.errors import BundleError, DataError, RequestError, TrainingError
from ..runtime.schema import Schema, schema_from_json
from .codecs import codec_for
from .datasets.dataset import Provenance
from .families import Family, Generative, build_family
from .private.plan import Privacy, privacy_from_mapping
from .recipe import TrainingRecipe, training_recipe_from_mapping

_FORMAT = 2
"""2: diffusion says choices by logits; without choices its weights mean what they did in 1, and so do other models'."""
_READ = (1, _FORMAT)


@dataclass(frozen=True)
class Checkpoint:
    """A model as trained so far."""

    recipe: TrainingRecipe
    schema: Schema
    provenance: Provenance
    seed: int
    step: int
    weights: dict[str, Any]
    """State of the averaged model: what ships."""
    progress: dict[str, Any] | None
    """What only `--resume` needs: live model, optimiser, schedule; of private training the key of its noise, which is
    as secret as the data. None once training is complete."""
    history: list[dict[str, float]]
    """Loss terms over the steps; none of private training, as they are means over real records without noise."""
    privacy: Privacy | None = None
    """What private training has promised and spent by `step`; None where it was not private."""

    @property
    def complete(self) -> bool:
        """Whether training ran to its end."""
        return self.progress is None

    def family(self) -> Family:
        """The averaged model, in evaluation mode.

        Raises:
            TrainingError: The weights do not fit the recipe.
        """
        family = build_family(self.recipe.family, self.schema, self.recipe.options)
        try:
            family.load_state_dict(self.weights)
        except RuntimeError as error:
            cause = " ".join(str(error).split())[:200]
            raise TrainingError(f"the checkpoint's weights do not fit its recipe: {cause}") from error
        return family.eval()

    def generator(self) -> Generative:
        """The part that ships, in evaluation mode."""
        return self.family().generator().eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint; the file is whole or not there.

    Raises:
        OutputError: The system refused to write.
    """
    content = {
        "edgeward_checkpoint": _FORMAT,
        "recipe": checkpoint.recipe.to_json(),
        "schema": checkpoint.schema.to_json(),
        "provenance": {**vars(checkpoint.provenance), "notes": list(checkpoint.provenance.notes)},
        "seed": checkpoint.seed,
        "step": checkpoint.step,
        "weights": checkpoint.weights,
        "progress": checkpoint.progress,
        "history": checkpoint.history,
        "privacy": checkpoint.privacy.to_json() if checkpoint.privacy else None,
    }
    save_tensors(content, path)


def save_tensors(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values; the file is whole or not there.

    Raises:
        OutputError: The system refused to write.
    """
    # Into memory first: torch would turn the system's refusal (a full disk) into an error of its own.
    memory = io.BytesIO()
    torch.save(content, memory)
    with atomic_file(path) as file:
        file.write(memory.getbuffer())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Only tensors and plain values are accepted, so a hostile file cannot run code.

    Raises:
        TrainingError: The file is absent, damaged, foreign, or from a newer version.
    """
    if not path.is_file():
        raise TrainingError(f"{path} does not exist; make it with: edgeward train -o {path}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises many kinds for junk
        cause = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise TrainingError(f"{path} is damaged, or is no checkpoint: {cause}") from error
    if not isinstance(content, dict) or "edgeward_checkpoint" not in content:
        raise TrainingError(f"{path} is no checkpoint of Edgeward")
    if content["edgeward_checkpoint"] not in _READ:
        raise TrainingError(f"{path} was written by another version of Edgeward; train it again")
    if not content.get("schema"):
        raise TrainingError(
            f"{path} holds no schema, so nothing is known of the data it makes; train it with edgeward train, or bring "
            "it in with edgeward import, which asks for one"
        )
    try:
        provenance = content["provenance"]
        checkpoint = Checkpoint(
            recipe=training_recipe_from_mapping(content["recipe"], str(path)),
            schema=schema_from_json(content["schema"], str(path)),
            provenance=Provenance(**{**provenance, "notes": tuple(provenance["notes"])}),
            seed=content["seed"],
            step=content["step"],
            weights=content["weights"],
            progress=content["progress"],
            history=content["history"],
            privacy=privacy_from_mapping(content["privacy"]) if content.get("privacy") else None,
        )
    except (AttributeError, KeyError, TypeError, BundleError, DataError, RequestError) as error:
        raise TrainingError(f"{path} is damaged: its content is incomplete or makes no sense ({error})") from error
    diffusion = checkpoint.recipe.family == "diffusion"
    if content["edgeward_checkpoint"] != _FORMAT and diffusion and codec_for(checkpoint.schema).choices:
        raise TrainingError(f"{path} was written by another version of Edgeward; train it again")
    return checkpoint
