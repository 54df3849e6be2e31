"""The five public projects that the series starts from: small studies of Fashion-MNIST that state what they found."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Project:
    """One source project.

    Attributes
    ----------
    number : three digits, by which claims and models name it
    description : what it did, in a line
    address : where it lies; "" where its text gives none
    """

    number: str
    description: str
    address: str = ""


PROJECTS = (
    Project("000", "three CNNs of growing size; a table of nine trainings with augmentation, dropout and a schedule"),
    Project("001", "five CNNs, of which Conv2Dsimple2 reaches 93.6 % with 0.6M weights; an Inception block overfits"),
    Project(
        "002", "an assignment's Base Model, and an Enhanced Model that gains a point over it",
        "https://github.com/siuLongBao/fashion-mnist/tree/master/myAttempt",
    ),
    Project("003", "a He-normal CNN under five optimizers, with a rate that falls on a plateau: about 94.6 %"),
    Project("004", "a CNN of 23 million weights for 94 %; most mistakes are said to be T-shirts and shirts"),
)  # fmt: skip


def table() -> pd.DataFrame:
    """One row a project: project, what it did, address ("not stated" where its text gives none)."""
    rows = [{"project": p.number, "what it did": p.description, "address": p.address or "not stated"} for p in PROJECTS]
    return pd.DataFrame(rows)
