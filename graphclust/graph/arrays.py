"""A graph as memory-mapped arrays: one safetensors file that opens at once, however large it is.

The arrays are those of the graph in memory, so that nothing is parsed, sorted or copied: pages are
read from disk when they are first touched, and changes to them stay in memory.

| array | what |
| --- | --- |
| edge_index | (2, A) int64, sorted by (source, target); both directions of undirected edges |
| edge_weight, t | (A,) |
| x, or x_indptr, x_indices, x_data | (N, F) float32, dense or CSR |
| y | (N,) or (N, C) int64 |
| node_ids, or node_ids_text | (N,) int64, or (N, W) int32: W Unicode code points, 0 at the end |

Metadata: `format`, `num_nodes`, `directed`, `features`, and `dated` where `t` are dates.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphclust.graph.errors import GraphError
from graphclust.graph.files import atomic
from graphclust.graph.moments import is_dated
from graphclust.kernels.products import csr_tensor
from graphclust.kernels.sparse import is_coalesced

FORMAT = "graphclust graph 1"
PLAIN = ("edge_index", "edge_weight", "t", "y")
AXES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("edge_weight", "t", "node_ids"), (1,)),
    **dict.fromkeys(("edge_index", "node_ids_text", "x"), (2,)),
    "y": (1, 2),
}
DTYPES = {"edge_index": torch.int64, "y": torch.int64, "x": torch.float32, "node_ids": torch.int64}
DTYPES |= {"node_ids_text": torch.int32}
UNICODE = 0x110000


def write_arrays(graph: Data, path: str | Path) -> None:
    """Write a graph from `as_graph` so that `read_arrays` maps it; atomic.

    Raises:
        GraphError: node ids that are neither whole numbers nor text.
    """
    from safetensors.torch import save_file

    tensors = {key: graph[key] for key in PLAIN if graph.get(key) is not None}
    tensors |= _feature_arrays(graph.x) | _id_arrays(graph.get("node_ids"))
    metadata = {
        "format": FORMAT,
        "num_nodes": str(graph.num_nodes),
        "directed": str(bool(graph.directed)),
        "features": str(0 if graph.x is None else graph.x.shape[1]),
    }
    if is_dated(graph):
        metadata["dated"] = "True"
    with atomic(path) as temporary:
        save_file({key: t.cpu().contiguous() for key, t in tensors.items()}, temporary, metadata)


def _feature_arrays(x: Tensor | None) -> dict[str, Tensor]:
    if x is None or x.layout == torch.strided:
        return {} if x is None else {"x": x}
    return {"x_indptr": x.crow_indices(), "x_indices": x.col_indices(), "x_data": x.values()}


def _id_arrays(ids: Any) -> dict[str, Tensor]:
    if ids is None:
        return {}
    if ids.dtype.kind == "i":
        return {"node_ids": torch.from_numpy(ids)}
    if ids.dtype.kind != "U":
        raise GraphError("node ids must be whole numbers or text to be written")
    codes = np.ascontiguousarray(ids).view(np.int32).reshape(len(ids), -1)
    return {"node_ids_text": torch.from_numpy(codes)}


def read_arrays(path: str | Path) -> Data:
    """Map the file that `write_arrays` wrote. O(A) time for the checks, no copy of an array.

    Raises:
        GraphError: not such a file, or arrays that are no graph: edges out of bounds or order, an
            undirected edge without its mirror image or with another weight there (found by unequal
            degrees or sums of weights), wrong lengths.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise GraphError(f"{path.name} is no readable .safetensors file: {error}") from None
    if metadata.get("format") != FORMAT:
        raise GraphError(
            f"{path.name} holds no graph of graphclust: its metadata must say {FORMAT!r}"
        )
    try:
        if metadata["directed"] not in ("True", "False"):
            raise GraphError(f"directed must be True or False, found {metadata['directed']}")
        data = Data(num_nodes=int(metadata["num_nodes"]), directed=metadata["directed"] == "True")
        _check(arrays, data)
        for key in PLAIN:
            if key in arrays:
                data[key] = arrays[key]
        if metadata.get("dated") == "True" and "t" in arrays:
            data.dated = True
        data.x = _features(arrays, (data.num_nodes, int(metadata["features"])))
        if (ids := _ids(arrays)) is not None:
            data.node_ids = ids
    except KeyError as error:
        raise GraphError(f"{path.name} lacks {error}") from None
    except (ValueError, RuntimeError) as error:
        raise GraphError(f"{path.name}: {error}") from None
    return data


def _features(arrays: dict[str, Tensor], shape: tuple[int, int]) -> Tensor | None:
    if "x_data" not in arrays:
        return arrays.get("x")
    indptr, indices, data = (arrays[f"x_{part}"] for part in ("indptr", "indices", "data"))
    return csr_tensor(indptr, indices, data, shape, check=True)


def _ids(arrays: dict[str, Tensor]) -> Any:
    if "node_ids" in arrays:
        return arrays["node_ids"].numpy()
    if "node_ids_text" not in arrays:
        return None
    codes = arrays["node_ids_text"].numpy()
    if codes.size and not 0 <= codes.min() <= codes.max() < UNICODE:
        raise GraphError("node_ids_text must hold Unicode code points")
    return codes.view(f"<U{codes.shape[1]}").reshape(len(codes))


def _check(arrays: dict[str, Tensor], data: Data) -> None:
    """Refuse arrays that would not have come out of `as_graph`."""
    n, a = data.num_nodes, arrays["edge_index"].shape[-1]
    lengths = {"edge_weight": a, "t": a, "y": n, "x": n, "node_ids": n, "node_ids_text": n}
    if n < 1:
        raise GraphError("the graph has no nodes")
    for key, allowed in AXES.items():
        if key in arrays and arrays[key].dim() not in allowed:
            raise GraphError(f"{key} must have {allowed[0]} axes, found {arrays[key].dim()}")
    for key, dtype in DTYPES.items():
        if key in arrays and arrays[key].dtype != dtype:
            raise GraphError(f"{key} must be {dtype}, found {arrays[key].dtype}")
    for key, length in lengths.items():
        if key in arrays and len(arrays[key]) != length:
            raise GraphError(f"{key} must have length {length}, found {len(arrays[key])}")
    if len(arrays["edge_index"]) != 2:
        raise GraphError("edge_index must have shape (2, A)")
    source, target = arrays["edge_index"].numpy()
    if a and not (0 <= min(source.min(), target.min()) <= max(source.max(), target.max()) < n):
        raise GraphError(f"edge_index must hold nodes 0..{n - 1}")
    for key in ("edge_weight", "x", "x_data"):
        if key in arrays and not bool(torch.isfinite(arrays[key]).all()):
            raise GraphError(f"{key} must be finite")
    if "t" in arrays:
        if not bool((arrays["t"][1:] >= arrays["t"][:-1]).all()):
            raise GraphError("events must be in the order of their times t")
        return
    if (source == target).any():
        raise GraphError("edge_index must hold no self-loops")
    if not is_coalesced(source, target, n):
        raise GraphError("edge_index must be sorted by (source, target), without repeats")
    if data.directed:
        return
    if not np.array_equal(np.bincount(source, minlength=n), np.bincount(target, minlength=n)):
        raise GraphError("an undirected graph must hold both directions of every edge")
    if "edge_weight" in arrays:  # mirrored weights are added up in one order: equal to the bit
        weight = arrays["edge_weight"].numpy()
        leaving, entering = (np.bincount(ends, weight, n) for ends in (source, target))
        if not np.array_equal(leaving, entering):
            raise GraphError("both directions of an undirected edge must have the same weight")
