"""Prototypes learnt from pseudo-labels that optimal transport spreads over the clusters.

Y. Asano, C. Rupprecht, A. Vedaldi, "Self-labelling via simultaneous clustering and representation
learning", ICLR (2020), https://arxiv.org/abs/1911.05371 (SeLa); C. Zhang, H. Ren, X. He,
"P²OT: progressive partial optimal transport for deep imbalanced clustering", ICLR (2024),
https://arxiv.org/abs/2401.09266; the graph term is that of its sequel SP²OT,
https://arxiv.org/abs/2404.03446.

Letters: N rows z_i, K clusters with prototypes w_j, P (N, K) = softmax of cos(z_i, w_j) / τ, cost
C = −log P, ε entropy weight, γ weight of the cluster sizes, ρ share of the mass that is labelled.
The pseudo-labels Q solve

    min_Q ⟨Q, C⟩ − ε H(Q) + γ KL(Qᵀ1 ‖ ρ/K),   Q 1 ≤ 1/N, total mass ρ

as a transport with one more column that takes the mass 1 − ρ (P²OT, section 4.2), by scaling in
log space. UOT: ρ = 1. SeLa: γ → ∞, ρ = 1 (equal sizes). P²OT: ρ rises from ρ₀ to 1. Given a graph,
C ← C − λ/2 (S + Sᵀ) Q with S = D⁻¹A, re-solved as Q settles: neighbours are drawn to one cluster.

The prototypes fall along the swapped cross-entropy ½ [H(Q′, P) + H(Q, P′)] of two views, which are
z with entries dropped out at random. Labels are argmax Q of the undisturbed rows.

Departures: only prototypes are learnt, the vectors stay (the papers train a network); the papers'
SP²OT weighs the graph by 1000 (1 − ρ) of plan masses 1/N, here λ is in units of the cost and of row
sums 1, and constant. In batches, rows outside the batch count with the Q of their last turn, at
first with their start labels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphclust.graph.export import to_scipy
from graphclust.heads.head import Head, Labels, Vectors, squeeze, unit
from graphclust.heads.kmeans import kmeans
from graphclust.heads.knn import LeidenHead
from graphclust.kernels.determinism import one_thread
from graphclust.kernels.pattern import Pattern
from graphclust.kernels.products import sparse_tensor
from graphclust.kernels.scatter import segment_mean
from graphclust.params import param

BATCH = 16_384  # rows a step; up to here the whole is taken at once
RESOLVES = 10  # times that the graph term is linearised anew
ROUNDS = 1000  # of scaling
RIDGE, FARTHEST = (
    1e-10,
    10.0,
)  # of a Newton step: added to the Hessian, and the most that a v may change
LOOK = 10  # steps between looks at how many rows still change

Near = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class TransportHead(Head):
    """Optimal-transport pseudo-labels (UOT; SeLa and P²OT by parameter) and cosine prototypes.

    Stops when less than `stop` of the rows change cluster over ten steps (all mass being labelled),
    or after `steps`. `soft`: Q of the undisturbed rows, rows summing to 1. `predict`: the transport
    dual, argmax of log P(z)/ε + log b with the fitted scaling b. `extras`: `prototypes` (K, D),
    `dual` (K,), `steps`, `loss`. O(N K D) a step; above 16,384 rows in batches.
    """

    kind: Literal["uot", "sela", "p2ot"] = param("uot", "how sizes and mass are bound")
    temperature: float = param(0.1, "τ", low=1e-3)
    entropy: float = param(0.1, "ε", low=1e-3)
    size_weight: float = param(1.0, "γ: higher gives more equal sizes", low=0)
    start_mass: float = param(0.1, "ρ₀ of p2ot", low=1e-3, high=1)
    graph_weight: float = param(0.0, "λ: how strongly the graph joins its neighbours", low=0)
    dropout: float = param(0.2, "share of entries dropped in a view", low=0, high=0.9)
    steps: int = param(100, "steps of Adam at most", low=1)
    lr: float = param(5e-3, "learning rate", low=0)
    stop: float = param(1e-3, "share of rows that may still change", low=0, high=1)
    start: Literal["kmeans", "leiden"] = param("kmeans", "labels that the prototypes start from")

    def _fit(self, z: Vectors, k: int | None, graph: Data | None, seed: int) -> dict[str, Any]:
        assert k is not None
        start = self._start(z, k, seed)
        with one_thread():
            return self._learn(
                torch.from_numpy(unit(z).astype(np.float32)), start, k, self._operator(graph), seed
            )

    def _start(self, z: Vectors, k: int, seed: int) -> Labels:
        if self.start == "leiden":
            labels: Labels = LeidenHead().fit(z, k, seed=seed)["labels"]
            return labels
        return kmeans(unit(z), k, seed=seed, n_init=1)[0]

    def _operator(self, graph: Data | None) -> sp.csr_array | None:
        """½ (S + Sᵀ), S = D⁻¹A; None where there is no graph term."""
        if graph is None or self.graph_weight == 0 or graph.edge_index.shape[1] == 0:
            return None
        adjacency = abs(to_scipy(graph))
        degree = np.maximum(np.asarray(adjacency.sum(axis=1)).ravel(), 1e-12)
        scaled = sp.diags_array(1 / degree) @ adjacency
        return sp.csr_array((scaled + scaled.T) / 2).astype(np.float32)

    def _learn(
        self, z: Tensor, start: Labels, k: int, operator: sp.csr_array | None, seed: int
    ) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(seed)
        labels = torch.from_numpy(start)
        w = class_means(z, labels, k).requires_grad_()
        adam = torch.optim.Adam([w], lr=self.lr)
        known = torch.nn.functional.one_hot(labels, k).float()
        near = near_all = None if operator is None else nearby(operator, None, known)
        duals: list[Tensor | None] = [None, None]
        before, loss, step = None, math.nan, 0
        for step in range(1, self.steps + 1):
            rho = self._mass(step - 1)
            rows = z
            if len(z) > BATCH:
                batch = torch.randint(len(z), (BATCH,), generator=generator)
                rows = z[batch]
                near = None if operator is None else nearby(operator, batch, known)
            views = [dropped(rows, self.dropout, generator) for _ in range(2)]
            logs = [log_softmax(view, w, self.temperature) for view in views]
            plans = []
            for i, log in enumerate(logs):
                plan, duals[i] = self._plan(log.detach(), rho, near, duals[i], 1e-3)
                plans.append(plan)
            value = swapped_cross_entropy(plans, logs)
            loss = float(value.detach())
            adam.zero_grad()
            value.backward()
            adam.step()
            if step % LOOK == 0:
                labels = log_softmax(z, w.detach(), self.temperature).argmax(dim=1)
                moved = math.inf if before is None else float((labels != before).float().mean())
                if rho == 1 and moved <= self.stop:
                    break
                before = labels
        w = w.detach()
        log = log_softmax(z, w, self.temperature).double()
        plan, dual = self._plan(log, 1.0, near_all, None, 1e-6)
        return _result(plan, w, dual, k, {"steps": step, "loss": loss})

    def _mass(self, step: int) -> float:
        """ρ of this step: P²OT's sigmoid ramp over the first half of the steps, else 1."""
        t = min(1.0, step / max(1, self.steps // 2))
        if self.kind != "p2ot" or t == 1:
            return 1.0
        return self.start_mass + (1 - self.start_mass) * math.exp(-5 * (1 - t) ** 2)

    def _plan(
        self, log: Tensor, rho: float, near: Near | None, start: Tensor | None, exact: float
    ) -> tuple[Tensor, Tensor]:
        """Q with rows summing to at most 1, and the log b of its columns."""
        gamma = math.inf if self.kind == "sela" else self.size_weight
        plan, dual = transport(log, self.entropy, gamma, rho, start, exact)
        for _ in range(RESOLVES if near is not None else 0):
            assert near is not None
            nearer = log + self.graph_weight * near(plan.float()).to(log.dtype)
            new, dual = transport(nearer, self.entropy, gamma, rho, dual, exact)
            change, plan = float((new - plan).abs().max()), new
            if change < 1e-2:
                break
        return plan, dual

    def _predict(
        self, z: Vectors, fitted: Vectors, labels: Labels, extras: dict[str, Any]
    ) -> Labels:
        with one_thread():
            w = torch.from_numpy(extras["prototypes"])
            rows = torch.from_numpy(unit(z).astype(np.float32))
            log = log_softmax(rows, w, self.temperature).double()
            scores = log / self.entropy + torch.from_numpy(extras["dual"])
        return scores.argmax(dim=1).numpy()


def nearby(operator: sp.csr_array, batch: Tensor | None, known: Tensor) -> Near:
    """From plans (B, K) of the rows `batch` (None: all) to what `operator` makes of them there.

    Rows outside the batch count with their plan in `known` (N, K), where those of the batch are
    put.
    """
    if batch is None:
        whole = sparse_tensor(operator)
        return lambda plan: whole @ plan
    rows = sparse_tensor(operator[batch.numpy()])

    def near(plan: Tensor) -> Tensor:
        known[batch] = plan
        return rows @ known

    return near


def transport(
    log: Tensor,
    epsilon: float,
    gamma: float,
    rho: float = 1.0,
    start: Tensor | None = None,
    exact: float = 1e-6,
) -> tuple[Tensor, Tensor]:
    """Q (N, K) and v = log b (K or K + 1): entropic transport of log-likelihoods to clusters.

    In log potentials, u_i = log 1/N − lse_j(E_ij + v_j), v_j = f (log c_j − lse_i(E_ij + u_i)) with
    E = log / ε, c = ρ/K and f = γ/(γ + ε) for clusters, and, where ρ < 1, a further column E = 0
    with mass 1 − ρ and f = 1, until v changes by less than `exact`, at most ROUNDS times. Q is
    scaled by N, so that its rows sum to 1 where ρ = 1. `start` is a v to begin from.
    """
    n, k = log.shape
    e = log / epsilon
    mass = torch.full((k,), math.log(rho / k), dtype=log.dtype)
    factor = torch.full_like(mass, 1.0 if math.isinf(gamma) else gamma / (gamma + epsilon))
    if rho < 1:
        e = torch.cat([e, torch.zeros_like(e[:, :1])], dim=1)
        mass = torch.cat([mass, mass.new_tensor([math.log(1 - rho)])])
        factor = torch.cat([factor, factor.new_ones(1)])
    v = torch.zeros_like(mass)
    if start is not None:
        v[: len(start)] = start[: len(v)]
    if math.isinf(gamma) and rho == 1:
        v = _equal(e.double(), v.double(), exact).to(log.dtype)
    else:
        for _ in range(ROUNDS):
            u = -math.log(n) - torch.logsumexp(e + v, dim=1)
            new = factor * (mass - torch.logsumexp(e + u[:, None], dim=0))
            settled = float((new - v).abs().max()) < exact
            v = new
            if settled:
                break
    rows = torch.softmax(e + v, dim=1)  # a last u: the mass of the rows is met exactly
    return rows[:, :k], v


def _equal(e: Tensor, v: Tensor, exact: float) -> Tensor:
    """v of `transport` for columns of equal mass, by Newton's method.

    It is where the concave Σ_j v_j / K − mean_i lse_j(E_ij + v_j) is largest; its gradient is 1/K −
    q, of the columns' mean q in Q, its Hessian QᵀQ/N − diag q. Where Newton's step does not lead
    up, the iteration above does; alone it takes thousands of steps where the groups of rows are far
    apart and their sizes unequal.
    """
    (n, k), mass = e.shape, -math.log(e.shape[1])

    def height(v: Tensor) -> tuple[float, Tensor]:
        rows = torch.logsumexp(e + v, dim=1)
        return float(v.mean() - rows.mean()), rows

    best, rows = height(v)
    for _ in range(ROUNDS):
        change = mass + math.log(n) - v - torch.logsumexp(e - rows[:, None], dim=0)
        if float(change.abs().max()) < exact:
            break
        q = (e + v - rows[:, None]).exp()
        mean = q.mean(dim=0)
        hessian = torch.diag(mean) - q.T @ q / n + RIDGE * torch.eye(k, dtype=e.dtype)
        step = torch.linalg.solve(hessian, 1 / k - mean)
        trial = v + step * min(1.0, FARTHEST / float(step.abs().max()))
        value, found = height(trial)
        if not value > best:
            trial = v + change
            value, found = height(trial)
        v, best, rows = trial, value, found
    return v


def swapped_cross_entropy(plans: list[Tensor], logs: list[Tensor]) -> Tensor:
    """½ [H(Q, P′) + H(Q′, P)], the mean over rows."""
    (q, q_), (log, log_) = plans, logs
    return -(q * log_ + q_ * log).sum(dim=1).mean() / 2


def log_softmax(z: Tensor, w: Tensor, temperature: float) -> Tensor:
    """log P (N, K) of cosines over a temperature."""
    directions = torch.nn.functional.normalize(w, dim=1)
    return torch.log_softmax(
        torch.nn.functional.normalize(z, dim=1) @ directions.T / temperature, 1
    )


def class_means(z: Tensor, labels: Tensor, k: int) -> Tensor:
    """(K, D) mean row of each class; the mean of all where a class is empty."""
    groups = Pattern.by_label(labels, k)
    return torch.where(groups.sizes[:, None] > 0, segment_mean(z, groups), z.mean(dim=0))


def dropped(z: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Entries set to zero by chance, the others scaled up to keep the mean."""
    keep = torch.rand(z.shape, generator=generator) >= share
    return z * keep / (1 - share)


def _result(
    plan: Tensor, w: Tensor, dual: Tensor, k: int, extras: dict[str, Any]
) -> dict[str, Any]:
    labels, used = squeeze(plan.argmax(dim=1).numpy(), k, "no row is nearest to the others")
    soft = (plan / plan.sum(dim=1, keepdim=True)).numpy()
    order = np.r_[used, np.setdiff1d(np.arange(k), used)]
    fitted = {"prototypes": w.numpy()[order], "dual": dual[:k].numpy()[order]}
    return {"labels": labels, "soft": soft[:, order], "extras": fitted | extras}
