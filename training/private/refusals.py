"""What cannot be trained privately, told before any work starts."""

from __future__ import annotations

from torch import nn

from ...runtime.errors import TrainingError
from ..families import Family
from ..processes import world_size
from ..recipe import TrainingRecipe


def check_recipe(recipe: TrainingRecipe) -> None:
    """Refuse a recipe, or processes, whose steps would not be those that the accountant adds up.

    Raises:
        TrainingError: With the field and what to set it to.
    """
    if world_size() > 1:
        raise TrainingError("private training is for one process: --dp cannot be shared by torchrun's; start it alone")
    for problem, remedy in (
        (
            recipe.class_balance != 0 and "draws rare classes more often, and everyone's chance must be the same",
            "class_balance = 0",
        ),
        (
            recipe.evaluations != 0 and "keeps the model nearest to validation patients, who are promised nothing then",
            "evaluations = 0",
        ),
    ):
        if problem:
            raise TrainingError(f"recipe {recipe.name!r} cannot be trained privately: it {problem}; set {remedy}")


def check_model(model: Family, recipe: TrainingRecipe) -> None:
    """Refuse a model in which one record's loss depends on others.

    Raises:
        TrainingError: With the reason.
    """
    reasons = [reason for reason in (model.why_not_private(), _over_the_batch(model)) if reason]
    if reasons:
        raise TrainingError(f"recipe {recipe.name!r} cannot be trained privately: {'; '.join(reasons)}")


def _over_the_batch(model: nn.Module) -> str | None:
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            return f'{name} normalises over the batch, and so mixes records; set norm = "group"'
    return None
