"""Pooling: every loss and output, value and gradient, against loops over graphs of unequal size."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.metrics import adjusted_rand_score as ari

from graphclust.kernels.edges import Rows
from graphclust.kernels.segments import Segments
from graphclust.nn.graphs import DenseGraphs, SparseGraphs
from graphclust.nn.layers import GTVConv, SkipConv
from graphclust.nn.pooling import DMoNPool, MinCutPool, TVPool

POOLS = {"tv": TVPool, "mincut": MinCutPool, "dmon": DMoNPool}
EACH = pytest.mark.parametrize("name", POOLS)
SIZES = (7, 2, 1, 5, 9)  # the second and third have fewer nodes than K, the fourth no edge
K, F = 3, 4


def adjacency(n, seed):
    """A weighted graph; node 0 of those with 7 nodes is isolated."""
    a = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    a *= (a > 0.3) & (n != 5)
    if n == 7:
        a[0] = 0
    return a + a.T


def batch(blocks):
    whole = sp.csr_array(sp.block_diag(blocks))
    start = torch.tensor([0, *np.cumsum([len(block) for block in blocks])])
    return SparseGraphs(Rows.of(whole, torch.device("cpu"), torch.float64), Segments(start))


BLOCKS = [adjacency(n, seed) for seed, n in enumerate(SIZES)]


def given(n, seed=0):
    source = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, K, dtype=torch.float64, generator=source)
    x = torch.randn(n, F, dtype=torch.float64, generator=source)
    return logits.requires_grad_(), x.requires_grad_()


def normalised(a, loops=True):
    a = a if loops else a * (1 - torch.eye(len(a)))
    d = a.sum(dim=1)
    scale = torch.stack([x**-0.5 if x > 0 else x * 0 for x in d])
    return torch.stack([scale[i] * a[i] * scale for i in range(len(a))])


def plain_tv(s, a):
    n = len(s)
    cut, total = a.new_zeros(()), a.sum() if a.sum() > 0 else 1.0
    for i in range(n):
        for j in range(i):
            cut = cut + a[i, j] * (s[i] - s[j]).abs().sum()
    size = a.new_zeros(())
    for column in s.T:
        q = column.sort(descending=True).values[n // K if n > n // K else n - 1]
        for x in column:
            size = size + ((K - 1) * (x - q) if x >= q else q - x)
    cut, uneven = cut / total, 1 - size / (n * (K - 1))
    return {"loss": 0.5 * cut + 0.5 * uneven, "variation": cut, "balance": uneven}


def plain_mincut(s, a):
    smooth = normalised(a)
    volume = torch.trace(s.T @ torch.diag(smooth.sum(dim=1)) @ s)
    cut = -torch.trace(s.T @ smooth @ s) / (volume if volume > 0 else 1.0)
    together = s.T @ s
    apart = (together / together.norm() - torch.eye(K) / K**0.5).norm()
    return {"loss": cut + apart, "cut": cut, "orthogonality": apart}


def plain_dmon(s, a):
    d = a.sum(dim=1)
    total = d.sum() if d.sum() > 0 else d.sum() + 1
    modularity = torch.trace(s.T @ (a - d[:, None] * d / total) @ s) / total
    collapse = K**0.5 / len(s) * s.sum(dim=0).norm() - 1
    return {"loss": collapse - modularity, "modularity": modularity, "collapse": collapse}


PLAIN = {"tv": plain_tv, "mincut": plain_mincut, "dmon": plain_dmon}


def plain_pool(name, s, x, blocks):
    """One graph after the other: rows, adjacency and terms of the pooled graphs."""
    rows, graphs, terms, first = [], [], [], 0
    for a in blocks:
        own = slice(first, first + len(a))
        first += len(a)
        part = s[own]
        rows.append(part.T @ x[own])
        pooled = part.T @ (normalised(a) if name == "mincut" else a) @ part
        graphs.append(pooled if name == "tv" else normalised(pooled, loops=False))
        terms.append(PLAIN[name](part, a))
    means = {term: sum(each[term] for each in terms) / len(terms) for term in terms[0]}
    return torch.cat(rows), torch.stack(graphs), means


def slopes(value, *given):
    scale = torch.linspace(1, 2, value.numel(), dtype=value.dtype).view_as(value)
    found = torch.autograd.grad((value * scale).sum(), given, retain_graph=True, allow_unused=True)
    return [torch.zeros(()) if part is None else part for part in found]


def agree(ours, plain, *given):
    assert torch.isfinite(ours).all()
    assert torch.allclose(ours, plain)
    for a, b in zip(slopes(ours, *given), slopes(plain, *given), strict=True):
        assert torch.isfinite(a).all()
        assert torch.allclose(a, b, atol=1e-12)


def parts(found):
    return {"x": found.x, "adjacency": found.graphs.adjacency, **found.terms}


@EACH
def test_a_sparse_batch_is_pooled_as_its_formulas_graph_by_graph(name):
    logits, x = given(sum(SIZES))
    s = logits.softmax(dim=1)
    found = POOLS[name](F, 8, K).pool(s, x, batch(BLOCKS))
    blocks = [torch.from_numpy(block) for block in BLOCKS]
    rows, graphs, terms = plain_pool(name, s, x, blocks)
    plain = {"x": rows, "adjacency": graphs, **terms}
    assert parts(found).keys() == plain.keys()
    for part, value in parts(found).items():
        agree(value, plain[part], logits, x)
    assert torch.equal(found.graphs.segments.row, torch.arange(5).repeat_interleave(K))


@EACH
def test_dense_graphs_are_pooled_alike_with_a_gradient_in_their_weights(name):
    logits, x = given(3 * 5)
    half = torch.rand(3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    half[1] = 0
    half.requires_grad_()
    s, a = logits.softmax(dim=1), half + half.mT
    found = POOLS[name](F, 8, K).pool(s, x, DenseGraphs(a))
    as_made = "tv" if name == "tv" else "dmon"
    rows, graphs, terms = plain_pool(as_made, s, x, a)
    if name == "mincut":  # a pooled graph is normalised already
        terms = mincut_of_normalised(s, a)
    plain = {"x": rows, "adjacency": graphs, **terms}
    for part, value in parts(found).items():
        agree(value, plain[part], logits, x, half)


def mincut_of_normalised(s, graphs):
    cuts, aparts = [], []
    for part, a in zip(s.split(graphs.shape[1]), graphs, strict=True):
        volume = torch.trace(part.T @ torch.diag(a.sum(dim=1)) @ part)
        cuts.append(-torch.trace(part.T @ a @ part) / (volume if volume > 0 else 1.0))
        aparts.append(plain_mincut(part, a.detach())["orthogonality"])
    cut, apart = sum(cuts) / len(cuts), sum(aparts) / len(aparts)
    return {"loss": cut + apart, "cut": cut, "orthogonality": apart}


@EACH
def test_a_batch_is_its_graphs_one_by_one(name):
    pool = POOLS[name](F, 8, K).double()
    x = given(sum(SIZES))[1]
    whole = pool(x, batch(BLOCKS))
    alone = [pool(r, batch([b])) for r, b in zip(x.split(SIZES), BLOCKS, strict=True)]
    assert torch.allclose(whole.x, torch.cat([one.x for one in alone]))
    assert torch.allclose(
        whole.graphs.adjacency, torch.cat([one.graphs.adjacency for one in alone])
    )
    for term, value in whole.terms.items():
        assert torch.allclose(value, torch.stack([one.terms[term] for one in alone]).mean())


@EACH
def test_small_graphs_have_the_losses_that_are_stated(name):
    """One node, with no edge: nothing can be cut, and the balance is that of the node's row."""
    logits = torch.tensor([[4.0, 1.0, 0.0]], dtype=torch.float64)
    found = POOLS[name](F, 8, K).pool(logits.softmax(1), torch.ones(1, F).double(), batch([[[0]]]))
    stated = {"variation": 0, "balance": 1, "cut": 0, "modularity": 0}
    for term, value in found.terms.items():
        if term in stated:
            assert float(value) == pytest.approx(stated[term], abs=1e-12)
    assert not found.graphs.adjacency.any()


@EACH
def test_the_layers_of_the_next_level_send_a_gradient_through_the_pooled_graph(name):
    logits, x = given(sum(SIZES))
    found = POOLS[name](F, 8, K).pool(logits.softmax(1), x.detach(), batch(BLOCKS))
    fixed = found.x.detach()
    for out in (found.graphs.message(fixed, 2.0, 1e-3), found.graphs.spread(fixed)):
        (slope,) = torch.autograd.grad(out.square().sum(), logits, retain_graph=True)
        assert torch.isfinite(slope).all()
        assert slope.any()


def test_one_supernode_is_refused():
    with pytest.raises(ValueError, match="needs k ≥ 2 supernodes, found 1"):
        TVPool(4, 8, 1)


def cliques(sizes):
    """A ring of cliques, nodes with noisy features of their own clique; the cliques."""
    a = sp.block_diag([np.ones((n, n)) - np.eye(n) for n in sizes]).toarray()
    first = np.cumsum([0, *sizes])
    for i in range(len(sizes)):
        u, v = first[i], first[(i + 1) % len(sizes)] + 1
        a[u, v] = a[v, u] = 1
    return a, np.repeat(np.arange(len(sizes)), sizes)


@EACH
def test_a_pool_that_is_trained_by_its_loss_alone_finds_the_cliques_of_every_graph(name):
    rng = np.random.default_rng(0)
    blocks, truth = zip(*(cliques(rng.integers(4, 9, K)) for _ in range(6)), strict=True)
    own = np.concatenate(truth)
    x = torch.from_numpy(np.eye(K)[own] + rng.normal(scale=0.4, size=(len(own), K)))
    graphs = batch(blocks)
    torch.manual_seed(1)
    layer = GTVConv(K, 16, 1.0) if name == "tv" else SkipConv(K, 16)
    model = torch.nn.ModuleList([layer, POOLS[name](16, 16, K)]).double()
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(80):
        found = model[1](model[0](x, graphs).relu(), graphs)
        adam.zero_grad()
        found.terms["loss"].backward()
        adam.step()
    labels = found.s.argmax(dim=1).split([len(t) for t in truth])
    assert min(ari(t, part.numpy()) for t, part in zip(truth, labels, strict=True)) > 0.8
