"""What a person reads in the terminal: a clustering, a comparison, the list of methods."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text
from torch_geometric.data import Data

from graphclust.base import Method
from graphclust.cards import cards
from graphclust.evaluate.choice import Tuning
from graphclust.evaluate.compare import Comparison
from graphclust.evaluate.disagreements import norms
from graphclust.evaluate.estimate import estimate
from graphclust.evaluate.flow import flow_imbalance, top_pairs
from graphclust.evaluate.metrics import external, homophily, internal, n_classes
from graphclust.evaluate.tables import cells
from graphclust.graph.build import components, static, symmetrise
from graphclust.graph.errors import GraphError, count
from graphclust.graph.export import edges_once, is_signed, is_temporal, to_igraph
from graphclust.loaders import DOWNLOADS, EMBEDDED, stored
from graphclust.methods import METHODS
from graphclust.params import describe, unknown
from graphclust.results import Clustering, Embedding

LESS_NEEDED = ("extra MB", "conductance", "F1", "runs", "ARI", "seconds", "modularity")
UNBROKEN = 200  # columns, where the output is no terminal


def facts(data: Data) -> str:
    """Kind and size of a graph in one line."""
    what = "events" if is_temporal(data) else "edges"
    known = [
        "directed" if data.directed else "undirected",
        f"{data.num_nodes:,} nodes",
        f"{len(edges_once(data)[0]):,} {what}",
        "" if data.edge_weight is None else "signed" if is_signed(data) else "weighted",
        "" if data.x is None else f"{data.x.shape[1]:,} features",
    ]
    return ", ".join(part for part in known if part)


def _disagreements(data: Data, result: Clustering) -> str:
    """How much the clusters disagree with the edges, and what is proved of it."""
    certified = "lower_bound" in result.extras
    found = result.extras if certified else norms(data, result.labels)
    most, total = found["max_disagreements"], found["sum_disagreements"]
    if not certified:
        return f"disagreements by weight: {total:g}, of a node at most {most:g}"
    proof = f"proved to be ≥ {found['lower_bound']} (ratio {found['ratio']:.2f})"
    if found["ratio"] == 1:
        proof = "proved to be the least"
    return f"a node disagrees with at most {most} pairs, {proof}; {total} in all"


def show_clustering(out: Console, name: str, data: Data, result: Clustering) -> None:
    """Print the method, the clusters' sizes and every score that the graph allows."""
    sizes = sorted(result.sizes.tolist(), reverse=True)
    shown = ", ".join(map(str, sizes[:10])) + (", …" if len(sizes) > 10 else "")
    lines = [
        ("graph", f"{name}: {facts(data)}"),
        ("method", repr(result.method)),
        ("clusters", f"{result.n_clusters}, of {shown} nodes"),
    ]
    if {"chosen", "conductance"} <= result.extras.keys():  # by the head `auto`
        phi = ", ".join(f"{name} {phi:.3f}" for name, phi in result.extras["conductance"].items())
        lines.append(("head", f"{result.extras['chosen']}, by mean conductance: {phi}"))
    if not is_signed(data):
        lines.append(
            (
                "edges",
                "modularity {modularity:.3f}, mean conductance {conductance_mean:.3f}, coverage "
                "{coverage:.3f}, disconnected clusters: {disconnected}".format(
                    **internal(data, result.labels)
                ),
            )
        )
    if is_signed(data) or "lower_bound" in result.extras:
        lines.append(("pairs", _disagreements(data, result)))
    if data.directed and not is_signed(data) and (pairs := top_pairs(data, result.labels)):
        source, target, share, _ = pairs[0]
        lines.append(
            (
                "flow",
                f"imbalance {flow_imbalance(data, result.labels):.3f}, the most from cluster "
                f"{source} to {target} ({share:.3f})",
            )
        )
    if n_classes(data.y):
        lines.append(
            (
                "classes",
                "ACC {acc:.3f}, NMI {nmi:.3f}, ARI {ari:.3f}, F1 {macro_f1:.3f}; nodes without a "
                "class, left out: {unlabelled}".format(**external(result.labels, data.y)),
            )
        )
    lines.append(("time", f"{result.seconds:.3g} s"))
    _print_lines(out, lines)


def show_embedding(out: Console, name: str, data: Data, result: Embedding) -> None:
    """Print the method, the size of the vectors and how training ended."""
    n, d = result.embedding.shape
    lines = [
        ("graph", f"{name}: {facts(data)}"),
        ("method", repr(result.method)),
        ("vectors", f"{n:,} of {d} dimensions"),
    ]
    if (trained := result.extras.get("trained")) is not None and not trained.all():
        lines.append(("untrained", f"{count(int((~trained).sum()), 'node')} without edges"))
    if result.history and "loss" in result.history[-1]:
        lines.append(("loss", f"{result.history[-1]['loss']:.4g}"))
    lines.append(("time", f"{result.seconds:.3g} s"))
    _print_lines(out, lines)


def show_estimate(out: Console, name: str, data: Data, method: Method) -> None:
    """Print what a run is expected to take."""
    if obstacle := method.obstacle(data):
        raise GraphError(obstacle)
    expected = estimate(method, data)
    cost = (
        f"too few earlier runs of {method.name} at hand to tell" if expected is None else expected
    )
    lines = [("graph", f"{name}: {facts(data)}"), ("method", repr(method)), ("expected", f"{cost}")]
    if expected is not None and not expected.fits:
        lines.append(("memory", "not enough is free: the run would be refused, unless forced"))
    _print_lines(out, lines)


def show_comparison(out: Console, name: str, data: Data, found: Comparison) -> None:
    """Print the table of means and deviations, and under it what a reader must know.

    A terminal too narrow for it gets deviations under the means, and then fewer columns.
    """
    heads, lines = cells(found.rows)
    out.print(f"{name}: {facts(data)}", soft_wrap=True, markup=False)
    table = _numbers_table(heads, lines)
    left_out: list[str] = []
    if out.is_terminal and _width(out, table) > out.width:
        lines = [[cell.replace(" ± ", "\n±") for cell in line] for line in lines]
        table = _numbers_table(heads, lines)
        for head in LESS_NEEDED:
            if _width(out, table) > out.width and head in heads:
                at = heads.index(head)
                heads = heads[:at] + heads[at + 1 :]
                lines = [line[:at] + line[at + 1 :] for line in lines]
                table = _numbers_table(heads, lines)
                left_out.append(head)
    _print_table(out, table)
    for part in found.sections():
        out.print(part.title, style="bold", markup=False)
        _print_table(out, _numbers_table(part.heads, part.lines))
    notes = list(found.notes)
    if left_out:
        notes.append(f"a wider terminal, or -o FILE, also shows: {', '.join(left_out)}")
    for note in notes:
        out.print(f"· {note}", style="dim", soft_wrap=True, markup=False)


def show_tuning(out: Console, name: str, data: Data, found: Tuning) -> None:
    """Print the profile, and the choice in a sentence."""
    out.print(f"{name}: {facts(data)}", soft_wrap=True, markup=False)
    heads = [found.over, "k", "AMI", "rewired", "adjusted", ""]
    lines = [
        [
            f"{row['value']:.4g}",
            f"{row['n_clusters']}",
            f"{row['stability']:.3f}",
            f"{row['rewired']:.3f}",
            f"{row['adjusted']:.3f} ± {row['error']:.3f}",
            "chosen" if row["value"] == found.value else "says nothing" if row["trivial"] else "",
        ]
        for _, row in found.profile.iterrows()
    ]
    _print_table(out, _numbers_table(heads, lines))
    out.print(found.reason, soft_wrap=True, markup=False)


def _numbers_table(heads: list[str], lines: list[list[str]]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for head in heads:
        table.add_column(head, justify="left" if head == "method" else "right", no_wrap=True)
    for line in lines:
        table.add_row(*map(Text, line))
    return table


def _width(out: Console, table: Table) -> int:
    return Measurement.get(out, out.options.update(width=UNBROKEN), table).maximum


def show_methods(out: Console) -> None:
    """Print one line a method."""
    lines = []
    for name in METHODS:
        cls = METHODS[name]
        reads = [*cls.needs, *(("edges", *cls.kinds[1:]) if cls.kinds else ())]
        lines.append([name, ", ".join(reads), _number_of_clusters(cls), _title(cls)])
    heads = ("method", "reads", "number of clusters", "what it is")
    _print_table(out, Table(*heads, box=SIMPLE_HEAD), lines)


def show_method(out: Console, cls: type[Method]) -> None:
    """Print what one method is and its parameters."""
    out.print(_title(cls), markup=False, soft_wrap=True)
    lines = [
        [p["name"], p["type"], p["default"] or "required", p["range"], p["help"]]
        for p in describe(cls)
    ]
    heads = ("parameter", "type", "default", "range", "meaning")
    _print_table(out, Table(*heads, box=SIMPLE_HEAD), lines)


def show_graph(out: Console, name: str, data: Data) -> None:
    """Print what a graph is like and which methods take it."""
    g = to_igraph(symmetrise(static(data)))
    degrees = np.array(g.degree())
    parts = np.bincount(components(data))
    lines = [
        ("graph", f"{name}: {facts(data)}"),
        (
            "degree",
            f"mean {degrees.mean():.2f}, median {np.median(degrees):g}, largest "
            f"{degrees.max()}, isolated nodes {int((degrees == 0).sum()):,}",
        ),
        (
            "parts",
            f"{count(len(parts), 'component')}, the largest of {count(int(parts.max()), 'node')}",
        ),
        ("triangles", f"clustering coefficient {g.transitivity_undirected(mode='zero'):.3f}"),
    ]
    if data.y is not None and data.y.dim() == 1:
        lines.append(("classes", _classes(data)))
    elif data.y is not None:
        lines.append(("classes", f"{data.y.shape[1]}, several a node (multi-label)"))
    fit = [key for key in METHODS if METHODS[key].obstacle(data) is None]
    lines.append(("methods", ", ".join(fit)))
    _print_lines(out, lines)


def _classes(data: Data) -> str:
    return (
        f"{n_classes(data.y)}, without a class {int((data.y < 0).sum()):,} nodes; homophily "
        f"(edges within one class) {homophily(data):.3f}"
    )


def show_datasets(out: Console) -> None:
    """Print one line a data set: those with a card, and whether they can be loaded here."""
    state = dict.fromkeys(DOWNLOADS, "download") | dict.fromkeys([*EMBEDDED, *stored()], "yes")
    lines = [
        [
            c.name,
            f"{c.nodes:,}",
            f"{c.edges:,}",
            str(c.features or ""),
            str(c.classes or ""),
            ", ".join(c.kind),
            state.get(c.name, ""),
            c.title,
        ]
        for c in cards().values()
    ]
    heads = ("name", "nodes", "edges", "features", "classes", "kind", "loads", "title")
    _print_table(out, Table(*heads, box=SIMPLE_HEAD), lines)


def show_card(out: Console, name: str) -> None:
    """Print one card.

    Raises:
        ValueError: there is no card of that name.
    """
    if name not in cards():
        raise ValueError(unknown("data set", name, cards()))
    lines = [
        (key, "; ".join(value) if isinstance(value, list) else str(value))
        for key, value in asdict(cards()[name]).items()
        if key != "sha256" and value not in ("", None, [])
    ]
    _print_lines(out, lines)


def _number_of_clusters(cls: type[Method]) -> str:
    defaults = {p["name"]: p["default"] for p in describe(cls)}
    if "n_clusters" not in defaults:
        return "found"
    return "given" if defaults["n_clusters"] is None else "found, or given"


def _title(cls: type[Method]) -> str:
    return (cls.__doc__ or cls.name).strip().splitlines()[0]


def _print_lines(out: Console, lines: Sequence[tuple[str, str]]) -> None:
    for head, text in lines:
        out.print(f"{head:<10}{text}", soft_wrap=True, markup=False)


def _print_table(out: Console, table: Table, lines: Sequence[Sequence[str]] = ()) -> None:
    """Print a table; in a pipe or file it keeps its lines whole."""
    for line in lines:
        table.add_row(*map(Text, line))
    (out if out.is_terminal else Console(width=UNBROKEN)).print(table)
