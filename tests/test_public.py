"""The public figures, and ours beside them."""

from pathlib import Path

import pytest
from made_up_runs import run_with

from fmnist_utils.runs.store import Store
from fmnist_utils.studies import claims, public, recipes


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(public, "PUBLISHED", tmp_path / "published")
    return Store(tmp_path)


def test_landscape_sets_ours_beside_the_public_figures(store: Store) -> None:
    out = store.folder.parent
    store.save(run_with(0.93, recipes.find("sprint")))
    [claim] = [claim for claim in claims.find(["002-base"])]
    store.save(run_with(0.92, claim.arms[0]))
    table = public.landscape(out)
    assert list(table.index) == ["sprint", "base", *(figure.name for figure in public.FIGURES)]
    assert table.loc["base", "source"] == "project 002"
    assert table["source"].iloc[2:].str.startswith("https://").all()
    assert (table["seconds"] > 0).all()
