"""One file a method. METHODS maps each name to its class, which is imported on first use."""

from graphclust.base import Method
from graphclust.registry import Registry
from graphclust.results import Result

METHODS: Registry[Method] = Registry(
    "method",
    "graphclust.methods",
    leiden="graphclust.methods.leiden:Leiden",
    leiden_undirected="graphclust.methods.leiden:LeidenUndirected",
    leiden_decay="graphclust.methods.leiden:LeidenDecay",
    leiden_slices="graphclust.methods.leiden_slices:LeidenSlices",
    louvain="graphclust.methods.louvain:Louvain",
    label_propagation="graphclust.methods.label_propagation:LabelPropagation",
    infomap="graphclust.methods.infomap:Infomap",
    spectral="graphclust.methods.spectral:Spectral",
    kmeans="graphclust.methods.kmeans:KMeans",
    node2vec="graphclust.methods.node2vec:Node2Vec",
    deepwalk="graphclust.methods.node2vec:DeepWalk",
    features="graphclust.methods.features:Features",
    agglomerative="graphclust.methods.agglomerative:Agglomerative",
    filter="graphclust.methods.filter:Filter",
    tvgnn="graphclust.methods.tvgnn:TVGNN",
    mincut="graphclust.methods.mincut:MinCut",
    dmon="graphclust.methods.dmon:DMoN",
    herm="graphclust.methods.herm:Herm",
    bi_sym="graphclust.methods.bi_sym:BiSym",
    dd_sym="graphclust.methods.bi_sym:DDSym",
    disg_lr="graphclust.methods.disg_lr:DisgLR",
    digrac="graphclust.methods.digrac:DIGRAC",
    tgc="graphclust.methods.tgc:TGC",
    htne="graphclust.methods.tgc:HTNE",
    scgc="graphclust.methods.scgc:SCGC",
    pamc="graphclust.methods.pamc:PamC",
    amg="graphclust.methods.amg:AMG",
    minmax="graphclust.methods.minmax:MinMaxCorrelation",
    correlation="graphclust.methods.correlation:CorrelationClustering",
    dense_correlation="graphclust.methods.dense_correlation:DenseCorrelation",
)
Result.methods = METHODS
