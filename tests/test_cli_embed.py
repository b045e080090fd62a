"""`graphclust embed`: vectors for every tool, what goes on from earlier ones, what is refused."""

import numpy as np
import pandas as pd
from gensim.models import KeyedVectors
from shell import refused, run

from graphclust import Embedding


def test_embed_writes_vectors_for_every_tool(tmp_path):
    words = ["embed", "les_miserables", "--p", "0.5", "--q", "2", "--set", "dimensions=8", "-o"]
    shown = run(*words, f"{tmp_path}/e.npz")
    assert "p=0.5, q=2.0, dimensions=8" in shown.stdout
    assert "vectors   77 of 8 dimensions" in shown.stdout
    whole = Embedding.load(tmp_path / "e.npz")
    for name in ("e.npy", "e.txt", "e.csv", "e.tsv", "e.parquet"):
        run(*words, f"{tmp_path}/{name}")
    z, ids = whole.embedding, whole.node_ids.tolist()
    assert np.array_equal(np.load(tmp_path / "e.npy", allow_pickle=False), z)
    assert (tmp_path / "e.ids.txt").read_text().splitlines() == ids
    words_of_gensim = KeyedVectors.load_word2vec_format(tmp_path / "e.txt")
    assert words_of_gensim.index_to_key == ids
    assert np.array_equal(words_of_gensim.vectors, z)
    for table in (
        pd.read_csv(tmp_path / "e.csv"),
        pd.read_csv(tmp_path / "e.tsv", sep="\t"),
        pd.read_parquet(tmp_path / "e.parquet"),
    ):
        assert table["node"].tolist() == ids
        assert np.array_equal(table.drop(columns="node").to_numpy(np.float32), z)


def test_embed_goes_on_from_an_earlier_file(tmp_path):
    first, later = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("source,target\na,b\nb,c\nc,a\n")
    later.write_text("source,target\nd,a\na,b\nb,c\nc,a\nd,b\n")
    run("embed", str(first), "-o", f"{tmp_path}/a.npz")
    run("embed", str(later), "-o", f"{tmp_path}/b.npz", "--continue-from", f"{tmp_path}/a.npz")
    a, b = Embedding.load(tmp_path / "a.npz"), Embedding.load(tmp_path / "b.npz")
    rows = b.rows(a.node_ids)
    assert np.array_equal(b.embedding[rows], a.embedding)
    assert b.extras["trained"].all()


def test_what_cannot_be_embedded_is_refused(tmp_path):
    output = f"{tmp_path}/e.npz"
    assert "leiden makes no vectors; these do: spectral, node2vec, deepwalk" in refused(
        "embed", "karate", "-m", "leiden", "-o", output
    )
    assert "unknown parameter 'p'" in refused(
        "embed", "karate", "-m", "deepwalk", "--p", "2", "-o", output
    )
    assert "holds no saved Embedding" in refused(
        "embed", "karate", "-o", output, "--continue-from", __file__
    )
    assert "the ending must be one of .npz, .npy" in refused("embed", "karate", "-o", "e.bin")
    spaced = tmp_path / "s.csv"
    spaced.write_text("source,target\nAnn Lee,Bo\nBo,Cy\n")
    assert "e.txt: an id may hold no white space here, found 'Ann Lee'" in refused(
        "embed", str(spaced), "-o", f"{tmp_path}/e.txt"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.csv"]
