"""Leiden community detection.

V. Traag, L. Waltman, N. J. van Eck, "From Louvain to Leiden: guaranteeing well-connected
communities", Sci. Rep. 9 (2019), https://doi.org/10.1038/s41598-019-41695-z

Maximises modularity Q = 1/2m Σ_ij [A_ij − γ k_i k_j / 2m] δ(c_i, c_j), or the constant Potts
model Σ_ij [A_ij − γ] δ(c_i, c_j). Directed graphs take k_i^out k_j^in / m as the null model; on
signed graphs the negative edges form a layer of their own that is subtracted (V. Traag, J.
Bruggeman, Phys. Rev. E 80 (2009), https://doi.org/10.1103/PhysRevE.80.036115).

Beyond the paper: `n_clusters` asks for exactly that many communities (`heads.exact`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch_geometric.data import Data

from graphclust.base import Labels, Method, Trace
from graphclust.graph.errors import GraphError
from graphclust.graph.export import is_signed, to_igraph
from graphclust.graph.temporal import decayed
from graphclust.heads.exact import leiden_exact
from graphclust.heads.leiden import leiden
from graphclust.params import param


@dataclass(frozen=True, kw_only=True)
class Leiden(Method):
    """Leiden (Traag et al. 2019): well-connected communities of high modularity (or Potts quality).

    Same seed, same labels, whatever the number of threads. `extras`: `quality` as the engine states
    it, `engine`; with `n_clusters` also `resolution`, `probes` and `merges` of the search.

    Raises:
        GraphError: `n_clusters` on a graph without edges or with negative weights, or
            `engine="igraph"` on a signed graph.
    """

    n_clusters: int | None = param(
        None, "exact number of communities, found by modularity; none: free", low=1
    )
    objective: Literal["modularity", "cpm"] = param("modularity", "what is maximised")
    resolution: float = param(
        1.0, "γ: higher gives more, smaller communities; not used with n_clusters", low=0
    )
    n_iterations: int = param(
        -1, "rounds of the algorithm; −1: until a round gains nothing", low=-1
    )
    engine: Literal["auto", "igraph", "leidenalg"] = param(
        "auto", "auto: igraph, which is faster, but leidenalg for signed graphs"
    )

    kinds: ClassVar[tuple[str, ...]] = ("undirected", "directed", "weighted", "signed")
    warm_start: ClassVar = True

    def _fit(self, graph: Data, trace: Trace, initial: Labels | None = None) -> dict[str, Any]:
        engine = self._engine(graph)
        options: dict[str, Any] = {
            "objective": self.objective,
            "n_iterations": self.n_iterations,
            "engine": engine,
            "seed": self.seed,
            "trace": trace,
            "initial": initial,
        }
        if self.n_clusters is not None:
            labels, found = leiden_exact(graph, self.n_clusters, **options)
            return {"labels": labels, "extras": {"engine": engine, **found}}
        labels, quality = leiden(to_igraph(graph), resolution=self.resolution, **options)
        return {"labels": labels, "extras": {"engine": engine, "quality": quality}}

    def _engine(self, graph: Data) -> str:
        signed = is_signed(graph)
        if signed and self.engine == "igraph":
            raise GraphError('engine="igraph" takes no negative weights; use "leidenalg" or "auto"')
        if self.n_iterations == 0:
            raise ValueError("n_iterations must be −1 or at least 1, found 0")
        return ("leidenalg" if signed else "igraph") if self.engine == "auto" else self.engine


@dataclass(frozen=True, kw_only=True)
class LeidenUndirected(Leiden):
    """Leiden on arcs read as undirected edges: density alone, whatever the direction.

    As `leiden` otherwise.
    """

    name: ClassVar = "leiden_undirected"
    kinds: ClassVar = ("undirected", "weighted", "signed")
    variant_of: ClassVar = "leiden"


@dataclass(frozen=True, kw_only=True)
class LeidenDecay(Leiden):
    """Leiden on what is left of a stream of events at its end, when they age.

    An event weighs ½ for each half-life that it is past. As `leiden` otherwise.
    """

    half_life: float = param(0.25, "in lengths of the stream", low=1e-6)

    name: ClassVar = "leiden_decay"
    needs: ClassVar = ("t",)
    kinds: ClassVar = ("undirected", "directed", "weighted", "temporal")
    variant_of: ClassVar = "leiden"

    def _fit(self, graph: Data, trace: Trace, initial: Labels | None = None) -> dict[str, Any]:
        length = float(graph.t[-1] - graph.t[0]) if len(graph.t) else 0.0
        return super()._fit(decayed(graph, self.half_life * (length or 1.0)), trace, initial)
