"""Node classification: both protocols, both forms of truth."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from graphclust.evaluate.classification import classification, likeliest, members


def data(n=200, c=5, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 8))
    y = (z @ rng.standard_normal((8, c)) + rng.standard_normal((n, c)) > 1).astype(np.int64)
    y[y.sum(axis=1) == 0, 0] = 1
    return z, y


def test_it_is_one_regression_a_class_on_shuffled_nodes():
    z, y = data()
    found = classification(z, y, 0.3, splits=1, seed=4)
    order = np.random.default_rng(4).permutation(200)
    learn, judge = order[:60], order[60:]
    model = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(z[learn], y[learn])
    chance = model.predict_proba(z[judge])
    told = np.zeros_like(y[judge])
    for i, row in enumerate(chance):
        told[i, np.argsort(-row)[: y[judge][i].sum()]] = 1
    for name, said in (("known", told), ("free", chance >= 0.5)):
        for mean in ("micro", "macro"):
            expected = f1_score(y[judge], said, average=mean, zero_division=0)
            assert found[f"{mean}_{name}"] == pytest.approx(expected)


def test_knowing_the_counts_never_hurts_here_and_splits_are_averaged():
    z, y = data()
    each = [classification(z, y, 0.5, splits=1, seed=0)["micro_free"]]
    both = classification(z, y, 0.5, splits=2, seed=0)
    assert both["micro_known"] > both["micro_free"]
    assert both["micro_free"] != each[0]
    assert classification(z, y, 0.5, splits=2, seed=0) == both


def test_one_class_a_node_is_the_same_as_its_zeros_and_ones():
    z, y = data()
    one = y.argmax(axis=1)
    as_columns = classification(z, np.eye(5, dtype=int)[one], 0.5, splits=2)
    assert classification(z, one, 0.5, splits=2) == as_columns
    assert as_columns["micro_known"] > 0.4


def test_nodes_without_a_class_are_left_out():
    z, y = data()
    y[150:] = 0
    assert classification(z, y, 0.5, splits=1) == classification(z[:150], y[:150], 0.5, splits=1)
    one = y.argmax(axis=1)
    one[150:] = -1
    assert members(one).sum(axis=1).tolist() == [1] * 150 + [0] * 50


def test_a_class_that_is_not_learnt_from_is_never_given():
    z, y = data(40, 3)
    y[:, 2] = 0
    y[np.random.default_rng(0).permutation(40)[30], 2] = 1  # judged, not learnt from
    assert 0 < classification(z, y, 0.5, splits=1, seed=0)["micro_free"] < 1


def test_the_likeliest_are_taken():
    chance = np.array([[0.2, 0.9, 0.4], [0.5, 0.5, 0.1], [0.3, 0.2, 0.1]])
    found = likeliest(chance, np.array([2, 1, 0]))
    assert found.tolist() == [[False, True, True], [True, False, False], [False] * 3]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.ones((4, 2)), np.ones((4, 2)), 1.0), "share must lie between 0 and 1, found 1.0"),
        ((np.ones((4, 2)), np.ones((3, 2)), 0.5), "as many nodes, found 4 and 3"),
        (
            (np.ones((4, 2)), np.ones((4, 2)), 0.05),
            "share=0.05 of 4 nodes with a class leaves",
        ),
        ((np.ones((4, 2)), np.full(4, -1), 0.5), "y has no node with a class"),
    ],
)
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        classification(*arguments)
