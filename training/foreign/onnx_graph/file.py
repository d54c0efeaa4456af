"""Read an ONNX file, as hostile until checked, with all its numbers in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import onnx

from ....runtime.errors import DataError
from ...networks.traced import MAX_STEPS

MAX_BYTES = 2**30
"""Of the file and all that it refers to: protobuf itself ends at twice of it."""
_OPSETS = range(7, onnx.defs.onnx_opset_version() + 1)
STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class OnnxFile:
    """A model, and what tells it from others."""

    model: onnx.ModelProto
    """With no number in another file."""
    opset: int
    sha256: str
    """Of the file, then of the files it refers to, by their names in order."""


def read_onnx(path: Path) -> OnnxFile:
    """Read and check a model, and the external data that lie beside it.

    Raises:
        DataError: It is absent, too large, damaged, of an unknown version, uses operators that are no standard, or
            refers to a file outside its folder.
    """
    content = _bytes_of(path, MAX_BYTES)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf has errors of its own
        raise DataError(f"{path} is damaged, or is no ONNX file") from error
    if not model.graph.node or not model.graph.output:
        raise DataError(f"{path} is no ONNX file, or an empty one: it holds no graph that makes anything")
    opset = _checked_opset(model, path)
    graphs = list(graphs_of(model.graph))
    nodes = sum(len(graph.node) for graph in graphs)
    if nodes > MAX_STEPS:
        raise DataError(f"{path} has {nodes} nodes; at most {MAX_STEPS} can be imported")
    for graph in graphs:
        for node in graph.node:
            if node.domain not in STANDARD:
                raise DataError(
                    f"{path}: {told(node)} is of the domain {node.domain!r}, not of standard ONNX; export the model "
                    "without custom operators, and before an optimiser fuses any"
                )
    digest = hashlib.sha256(content)
    _take_in(graphs, path, MAX_BYTES - len(content), digest)
    return OnnxFile(model, opset, digest.hexdigest())


def told(node: onnx.NodeProto) -> str:
    """A node as people find it in a viewer."""
    return f"{node.op_type} {node.name!r}" if node.name else f"{node.op_type} that makes {', '.join(node.output)!r}"


def graphs_of(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph, and those of branches and loops inside it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs_of(attribute.g)
            for inner in attribute.graphs:
                yield from graphs_of(inner)


def tensors_of(graphs: Iterable[onnx.GraphProto]) -> Iterator[onnx.TensorProto]:
    """All stored numbers: weights, and the values of constants."""
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from ((attribute.t,) if attribute.HasField("t") else ())
                yield from attribute.tensors
                of_one = (attribute.sparse_tensor,) if attribute.HasField("sparse_tensor") else ()
                for sparse in (*of_one, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)


def _bytes_of(path: Path, most: int) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise DataError(f"{path} is not a file; name the ONNX file of the generator")
        if size > most:
            raise DataError(f"{path} has {size} bytes; an ONNX file with all that it refers to may have {MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _checked_opset(model: onnx.ModelProto, path: Path) -> int:
    if model.functions:
        raise DataError(
            f"{path} defines operators of its own ({model.functions[0].name!r}); inline them first, with "
            "onnx.inliner.inline_local_functions"
        )
    opsets = [each.version for each in model.opset_import if each.domain in STANDARD]
    if not opsets or opsets[0] not in _OPSETS:
        found = opsets[0] if opsets else "none"
        raise DataError(
            f"{path} is of opset {found}; {_OPSETS[0]} to {_OPSETS[-1]} can be read: export it again with one of them"
        )
    return int(opsets[0])


def _take_in(graphs: list[onnx.GraphProto], path: Path, left: int, digest: hashlib._Hash) -> None:
    """Put the numbers that lie in other files into the graphs."""
    files: dict[str, bytes] = {}
    external = [
        (tensor, {entry.key: entry.value for entry in tensor.external_data})
        for tensor in tensors_of(graphs)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    ]
    for location in sorted({entries.get("location", "") for _, entries in external}):
        files[location] = _bytes_of(_beside(path, location), left)
        left -= len(files[location])
        digest.update(files[location])
    taken = 0
    for tensor, entries in external:
        content = files[entries.get("location", "")]
        try:
            first = int(entries.get("offset", "0"))
            length = int(entries.get("length", str(len(content) - first)))
        except ValueError:
            first = length = -1
        # Bytes that several tensors share are copied for each.
        taken += max(length, 0)
        if first < 0 or length < 0 or first + length > len(content) or taken > MAX_BYTES:
            raise DataError(f"{path}: tensor {tensor.name!r} lies outside the file {entries.get('location')!r}")
        tensor.raw_data = content[first : first + length]
        del tensor.external_data[:]
        tensor.data_location = onnx.TensorProto.DEFAULT


def _beside(path: Path, location: str) -> Path:
    """A file in the model's folder or below; neither a way out of it nor a link is followed."""
    folder, plain = path.parent.resolve(), PurePosixPath(location.replace("\\", "/"))
    found = folder / plain
    if not location or plain.is_absolute() or ".." in plain.parts or found.resolve() != found:
        raise DataError(
            f"{path} refers to {location!r}, which does not lie in its folder, or is a link; it is not read"
        )
    return found
