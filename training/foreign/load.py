"""Load a user's module by `module:callable`, and its weights.

This runs the user's own code; only `edgeward import` asks for it.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from ...runtime.errors import DataError, RequestError


def load_module(name: str, *, folder: Path | None, weights: Path | None) -> nn.Module:
    """Call a callable that returns a generator, and take its weights from a file.

    Args:
        name: `module:callable`.
        folder: Where the module lies, where Python does not find it by itself.
        weights: File of the module's `state_dict`, as `torch.save` writes it; None: as the callable leaves them.

    Returns:
        The module in evaluation mode, in float32 on the CPU.

    Raises:
        RequestError: There is no such module or callable, or it fails, or gives something else.
        DataError: The weights are damaged, hold more than tensors, or are of another model.
    """
    found = _called(name, folder)
    if not isinstance(found, nn.Module):
        raise RequestError(
            f"{name} gave a {type(found).__name__}, not a torch.nn.Module; name a callable that builds one"
        )
    module = found.cpu().float().eval()
    if weights:
        _load_weights(module, weights)
    if not list(module.parameters()):
        raise RequestError(f"{name} gave a module without parameters: there is nothing to compress")
    for path, part in module.named_modules():
        if parametrize.is_parametrized(part):
            for tensor in list(part.parametrizations):
                parametrize.remove_parametrizations(part, tensor)
        if part._forward_pre_hooks or part._forward_hooks:
            raise RequestError(
                f"{name}: layer {path!r} has hooks, as weight_norm and spectral_norm leave them; take them off in the "
                "callable, with remove_weight_norm or remove_spectral_norm"
            )
    return module.requires_grad_(True)


def _called(name: str, folder: Path | None) -> Any:
    module_name, _, function = name.partition(":")
    if not module_name or not function:
        raise RequestError(f"{name!r} names no model: give module:callable of a torch.nn.Module")
    if folder is not None and not folder.is_dir():
        raise RequestError(f"--path {folder} is not a folder")
    before = list(sys.path)
    try:
        if folder is not None:
            sys.path.insert(0, str(folder.resolve()))
        importlib.invalidate_caches()
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
                raise RequestError(f"there is no module {module_name!r}; --path names the folder it lies in") from error
            raise RequestError(f"{module_name} cannot be imported: {error}") from error
        except Exception as error:  # whatever the user's code raises
            raise RequestError(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from error
        build = getattr(module, function, None)
        if not callable(build):
            what = "has no" if build is None else "can not be called by its"
            raise RequestError(f"module {module_name!r} {what} {function!r}; name a callable that builds the generator")
        try:
            return build()
        except Exception as error:  # whatever the user's code raises
            raise RequestError(
                f"{name} failed: {type(error).__name__}: {error}; it is called without arguments"
            ) from error
    finally:
        sys.path[:] = before


def _load_weights(module: nn.Module, path: Path) -> None:
    if not path.is_file():
        raise DataError(f"there is no file {path}; --weights names the generator's state_dict")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises many kinds for junk
        raise DataError(
            f"{path} is damaged, or holds more than tensors, which is not run; write it with: "
            "torch.save(generator.state_dict(), ...)"
        ) from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in weights.values()):
        inside = ", ".join(map(str, weights)) if isinstance(weights, dict) else type(weights).__name__
        raise DataError(f"{path} is no state_dict: it holds {inside[:200]}; save the generator's alone")
    nn.modules.utils.consume_prefix_in_state_dict_if_present(weights, "module.")
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(f"{path} does not fit the module: {' '.join(str(error).split())[:300]}") from error
    if not all(torch.isfinite(t).all() for t in module.state_dict().values()):
        raise DataError(f"{path} holds weights that are NaN or infinite")


def arguments_of(module: nn.Module) -> dict[str, bool]:
    """Names of the arguments of a module's `forward`, and whether each must be given."""
    signature = inspect.signature(module.forward)
    return {
        name: parameter.default is parameter.empty
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
