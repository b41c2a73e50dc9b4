"""How different the repeated answers to one item are: distinct words, adjusted for length, and the Vendi score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import expm1, log1p

import numpy as np
import pandas as pd

from harness.statistics import Floats

COLUMNS = ("distinct", "vendi")


def distinct(texts: Sequence[str], vocabulary: int) -> float:
    """Return the distinct words of some texts over those expected of so many words drawn from the vocabulary.

    Unlike distinct words over all words it does not fall with longer answers (Liu et al. 2022, equation 2).

    Args:
        texts: The texts.
        vocabulary: Distinct words there are to choose from.
    """
    words = [word for text in texts for word in text.split()]
    if not words:
        return float("nan")
    expected = vocabulary * -expm1(len(words) * log1p(-1 / vocabulary)) if vocabulary > 1 else 1.0
    return len(set(words)) / expected


def vendi(kernel: Floats) -> Floats:
    """Return the effective number of different things less one, over what it could be: 0 all alike, 1 all different.

    The effective number is the exponential of the entropy of the eigenvalues of kernel / k (Friedman and Dieng 2023).

    Args:
        kernel: Similarities in [0, 1] with ones on the diagonal, shape (..., k, k).
    """
    size = kernel.shape[-1]
    shares = np.clip(np.linalg.eigvalsh(kernel / size), 1e-12, None)
    number: Floats = (np.exp(-(shares * np.log(shares)).sum(axis=-1)) - 1) / (size - 1)
    return number


def similarity(texts: Sequence[str]) -> Floats:
    """Return the cosines between texts as counts of words and pairs of neighbouring words."""
    counts = [Counter([*words, *pairwise(words)]) for words in (text.split() for text in texts)]
    names = {name: place for place, name in enumerate(dict.fromkeys(name for each in counts for name in each))}
    vectors = np.zeros((len(texts), len(names) + 1))
    for row, each in enumerate(counts):
        vectors[row, [names[name] for name in each]] = list(each.values())
        vectors[row, -1] = not each  # empty texts are alike
    return cosines(vectors)


def cosines(vectors: Floats) -> Floats:
    """Return the cosines between the rows, negative ones as 0."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
    found: Floats = np.clip(unit @ unit.T, 0, 1)
    return found


def answer_diversity(rows: pd.DataFrame, cell: Sequence[str]) -> pd.DataFrame | None:
    """Return the diversity of the repeated answers in each cell, on each of its rows; None where none is repeated.

    Args:
        rows: Column text, and embedding (a vector a row) where answers are to be compared by that.
        cell: The columns of a cell (item, round, seed).
    """
    cells = rows.dropna(subset=["text"]).groupby(list(cell), sort=False, dropna=False).indices
    repeated = [places for places in cells.values() if len(places) > 1]
    if not repeated:
        return None
    texts = rows.dropna(subset=["text"])["text"].astype(str)
    values = texts.tolist()
    embedded = rows.loc[texts.index, "embedding"].tolist() if "embedding" in rows else None
    vocabulary = len({word for text in set(values) for word in text.split()})
    found = np.full((len(values), len(COLUMNS)), np.nan)
    for places in repeated:
        mine = [values[place] for place in places]
        kernel = similarity(mine) if embedded is None else cosines(np.array([embedded[place] for place in places]))
        found[places] = distinct(mine, vocabulary), float(vendi(kernel))
    return pd.DataFrame(found, columns=list(COLUMNS), index=texts.index).reindex(rows.index)
