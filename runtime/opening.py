"""Open one variant of a bundle on one engine, and hold the engine's view of it against the manifest."""

from __future__ import annotations

from .backends import Options, Session, backend_named
from .bundle import Bundle
from .errors import BundleError
from .manifest import Variant


class ContractError(BundleError):
    """The graph, as the engine sees it, is not what the manifest says."""


def open_variant(bundle: Bundle, backend: str, variant: Variant, options: Options) -> Session:
    """A session of this variant.

    Raises:
        BundleError: A file is not what the manifest says any more, or holds what no generator needs.
        ContractError: The graph has other inputs or outputs than the manifest says.
        BackendError: The engine is absent, or refuses the graph.
    """
    weights = None if variant.weights is None else bundle.read(variant.weights)
    session = backend_named(backend).open(bundle.read(variant.file), options, weights)
    _check_contract(bundle, session, variant.file)
    return session


def _check_contract(bundle: Bundle, session: Session, file: str) -> None:
    manifest = bundle.manifest
    inputs = {"noise": (None, *manifest.noise_shape), "condition": (None, manifest.data.condition_size)}
    outputs = {"sample": (None, *manifest.data.shape)}
    found = dict(session.input_shapes), dict(session.output_shapes)
    if found != (inputs, outputs):
        session.close()
        raise ContractError(
            f"{bundle.path}: {file} does not keep the contract: its inputs and outputs are {found[0]} and "
            f"{found[1]}, the manifest says {inputs} and {outputs}"
        )
