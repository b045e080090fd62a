"""From vectors to clusters: one file a head. HEADS maps each name to its class."""

from graphclust.heads.head import Head
from graphclust.params import check, parse
from graphclust.registry import Registry

HEADS: Registry[Head] = Registry(
    "head",
    "graphclust.heads",
    auto="graphclust.heads.auto:AutoHead",
    kmeans="graphclust.heads.kmeans:KMeansHead",
    lda="graphclust.heads.lda:LDAHead",
    leiden="graphclust.heads.knn:LeidenHead",
    ot="graphclust.heads.ot:TransportHead",
    gmm="graphclust.heads.gmm:GMMHead",
    agglomerative="graphclust.heads.agglomerative:AgglomerativeHead",
    hdbscan="graphclust.heads.hdbscan:HDBSCANHead",
    rounding="graphclust.heads.rounding:RoundingHead",
)


def as_head(text: str) -> Head:
    """The head that a text names, with its parameters, as in `leiden:neighbours=30,mutual=true`.

    Raises:
        ValueError, TypeError: no such head or parameter, or a value out of range.
    """
    name, _, settings = text.partition(":")
    cls = HEADS[name.strip()]
    try:
        head = cls(**parse(cls, [part for part in settings.split(",") if part.strip()]))
        check(head)
    except (ValueError, TypeError) as error:
        raise type(error)(f"the head {cls.name}: {error}") from None
    return head
