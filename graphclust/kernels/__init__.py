"""Arrays and tensors in, arrays and tensors out. Nothing here knows a graph object.

Each says its equation, shapes, cost and what nothing gives, and has a reference in loops in the
tests, value and gradient. With gradients, of groups of rows and of edges:

    pattern      which rows belong together: groups, entries of a sparse matrix; checked once
    scatter      segment_sum, _mean, _max, _min, _logsumexp, _softmax
    products     product (sparse by dense), dots along entries, flow_sums PᵀAP, constant matrices
    edges        total variation of neighbours and its message; `pairs` where all are neighbours
    segments     groups in turn: products Aᵀ B of each, the number of a rank in each column

`backends` says who adds up: `compiled` by numba on the processor, `triton` with its `programs` on
CUDA, `plain` in torch elsewhere. Sums are made in a fixed order: the same bits for any number of
threads, and on CUDA, where nothing is added up by atomics, in every run.

Without gradients: `sparse` (coalescing, symmetry, normalisation, influence), `columns` of features,
`flow` and `moves` of digraphs, `knn`, `walks` and `sgns` (over `rows`, `tiles`, `texts`, `corpus`),
`gram`, eigenvectors (`eigensolvers`, `spectra`, `lowpass`) by `lobpcg`, `multigrid`, `relaxation`,
`bootstrap` and `matching`; and what many need: `arguments`, `determinism`, `splitmix`, `prefetch`.
"""
