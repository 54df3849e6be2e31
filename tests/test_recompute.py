"""The script that recomputes the reports agrees with a sample, and notices what is wrong with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import recompute

from fmnist_utils import Dataset, doubts, metrics, robustness, sentences, studies
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.report.index import write_index
from fmnist_utils.runs.lookup import results
from fmnist_utils.studies import claims

SCRIPT = ROOT / "tests" / "recompute.py"


def check(out: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, SCRIPT, out], capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of some published runs, of one experiment a single one; the claims in it rest on all of them."""
    out = tmp_path_factory.mktemp("sample")
    runs = results(PUBLISHED).query("model in ['cnn-small', 'base']")
    of_one = runs["experiment"] == runs["experiment"].iloc[0]
    for key in runs.loc[~of_one | ~of_one.duplicated(), "key"]:
        shutil.copytree(ROOT / PUBLISHED / "runs" / key, out / "runs" / key)
    write_index(out, claims=claims.table)
    sentences = (
        "<p>Against none, of 3 changes: one is measurably better: <b>flip</b> +1.00 points (+0.50 to +1.50). One is "
        "measurably worse: <b>cutout</b> −1.00 points (−1.50 to −0.50). "
        "erasing: this one makes no measurable difference.</p>"
        "<p>most of the 12 changes (8); the most frequent of the 725 images is Shirt (240, 33 %)</p>"
        "<p>helps: +1.32 points (+0.51 to +2.13)</p><p>93.76 % ± 0.47 (3 seeds) against 93.90 %: within reach</p>"
    )
    (out / "03_made_up.html").write_text(f"<html><body>{sentences}</body></html>", "utf-8")
    return out


def test_the_script_shares_no_code_with_the_package() -> None:
    imported = re.findall(r"^\s*(?:from|import) (\w+)", SCRIPT.read_text("utf-8"), re.MULTILINE)
    assert not {"fmnist_utils", "made_up_runs"} & set(imported)


@pytest.mark.slow
def test_all_of_a_sample_agrees(sample: Path) -> None:
    status, said = check(sample)
    assert status == 0, said
    for page, least in {"results.csv": 100, "index": 200, "03_made_up": 7}.items():
        assert int(re.search(rf"^{page}: (\d+) checked", said, re.MULTILINE)[1]) >= least


WRONG = {
    "an accuracy of the leaderboard": ("index.html", r"(\d\d\.\d)(\d)( %</td>)", lambda m: m[1] + other(m[2]) + m[3]),
    "a margin of the leaderboard": ("index.html", r"(>0\.\d)(\d)(</td>)", lambda m: m[1] + other(m[2]) + m[3]),
    "a number of runs": ("index.html", r"<b>(\d+)</b> runs|(Several seeds stand behind .*?\()(\d+)", None),
    "a claim's verdict": ("index.html", r">within reach</td>", lambda m: ">reached</td>"),
    "a claim's interval": ("index.html", r"( % ± 0\.\d)(\d)( \(3)", lambda m: m[1] + other(m[2]) + m[3]),
    "an effect": ("index.html", r"([−+]0\.\d)(\d)( points \()", lambda m: m[1] + other(m[2]) + m[3]),
    "the counted claims": ("index.html", r"(\d) are within reach", lambda m: f"{other(m[1])} are within reach"),
    "a run of the csv": ("results.csv", r",0\.(\d)(\d+),0\.", lambda m: f",0.{other(m[1])}{m[2]},0."),
    "a count in a sentence": ("03_made_up.html", "of 3 changes", lambda m: "of 4 changes"),
    "a word for a share": ("03_made_up.html", "most of the 12", lambda m: "few of the 12"),
    "a percentage": ("03_made_up.html", "33 %", lambda m: "43 %"),
    "a verb": ("03_made_up.html", "helps: ", lambda m: "hurts: "),
    "a sign": ("03_made_up.html", r"−1\.00 points \(−1\.50 to −0\.50\)", lambda m: "+1.00 points (+0.50 to +1.50)"),
    "a claimed accuracy": ("03_made_up.html", "within reach", lambda m: "not reached"),
}


def other(digit: str) -> str:
    return str((int(digit) + 5) % 10)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(name: str, sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, pattern, wrong = WRONG[name]
    out = tmp_path / "out"
    shutil.copytree(sample, out)
    text = (out / file).read_text("utf-8")
    replace = wrong or (lambda m: m[0].replace(m[3] or m[1], f"{int(m[3] or m[1]) + 1}"))
    changed, number = re.subn(pattern, replace, text, count=1)
    assert number == 1 and changed != text
    (out / file).write_text(changed, "utf-8")
    assert recompute.main([str(out)]) == 1
    said = capsys.readouterr().out
    assert said.count("WRONG ") in range(1, 4), said


def test_both_ways_of_computing_agree_on_random_tables() -> None:
    draw = np.random.default_rng(0)
    for seeds in ([2, 2], [3, 1, 2], [1, 5, 2, 2, 3]):
        levels = np.clip(0.9 + 0.01 * draw.standard_normal((len(seeds), max(seeds))), 0, 1)
        groups = {
            str(i): [draw.random(3000) < levels[i, seed] for seed in range(number)] for i, number in enumerate(seeds)
        }
        weights = recompute.posteriors(groups)
        assert weights is not None
        for name, estimate in metrics.estimate_all(groups).items():
            mean, half = recompute.estimate(groups[name], weights[name])
            assert (float(mean), half) == pytest.approx((estimate.mean, estimate.mean - estimate.low), abs=1e-6)
        table = metrics.compare_all(groups, "0")
        changes = {
            n: recompute.Change(g, groups["0"], [weights[n], weights["0"]]) for n, g in groups.items() if n != "0"
        }
        recompute.holm(list(changes.values()))
        for name, change in changes.items():
            row = table.loc[name]
            assert change.difference - change.half == pytest.approx(row["low"], abs=1e-6)
            assert change.adjusted == pytest.approx(row["p_adjusted"], abs=1e-6)
            assert change.verdict == row["verdict"]


def test_what_protects_is_recomputed_from_what_is_stored_beside_the_runs(data: Dataset) -> None:
    arms = studies.augmentation.finished(data, PUBLISHED)
    taught = robustness(arms, data)
    gains, undisturbed = taught.gains("none"), [right[0] for right in taught.right["none"]]
    said = [
        sentences.hurts("none", metrics.accuracy_estimate(undisturbed), taught.strongest("none")),
        sentences.protection(gains),
        sentences.extremes(gains, "comparison"),
    ]
    text = sentences.plain(" ".join(said))

    def wrong(text: str) -> list[str]:
        checks = recompute.Checks()
        recompute.check_disturbances(checks, "06", text, [recompute.published()])
        assert checks.done["06"] > 10 and not checks.left
        return checks.wrong

    assert wrong(text) == []
    for pattern in (r"each kind: \w+ \([^)]*\) (\d)", r"points \(\+(\d)", r"comparisons, (\d)"):
        found = re.search(pattern, text)
        assert found is not None
        place = found.start(1)
        assert wrong(text[:place] + other(text[place]) + text[place + 1 :]), pattern


def test_labels_in_doubt_are_recounted_from_the_list(tmp_path: Path) -> None:
    places = [5, 16691, 22264, 8, 28264]
    table = pd.DataFrame({"label": "Coat", "suggestion": "Shirt", "score": 0.1, "doubtful": True}, places)
    table.loc[99] = ["Coat", "Coat", 0.9, False]
    doubts.write({"training": table}, tmp_path)
    known = doubts.PUBLISHED_ERRORS["fashion-mnist"]
    text = sentences.plain(sentences.doubted(table, "training"))
    text += " " + sentences.recalled(doubts.found(table, known, (2, 4)), len(known))
    assert text.endswith(
        "1 is among the first 2, 2 are among the first 4 and 3 are among all 5 that are in doubt here."
    )

    def wrong(text: str) -> list[str]:
        checks = recompute.Checks()
        recompute.check_doubts(checks, "06", text, tmp_path)
        assert checks.done["06"] == 9
        return checks.wrong

    assert wrong(text) == []
    for right, false in (
        ("5 (83.33", "6 (83.33"),
        ("83.33", "82.33"),
        ("2 are", "3 are"),
        ("among all 5", "among all 6"),
    ):
        assert wrong(text.replace(right, false)), right
