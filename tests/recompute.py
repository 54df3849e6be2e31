"""Recompute what the reports say, from the stored runs, sharing no code with the package.

    python tests/recompute.py reports/full [README.md]

Reads the pages, results.csv, the index, and of each run record.json, test.npz or answers.npz, and robustness.json;
prints how many statements were checked, how many agree, and each that does not. The method is that of
docs/statistics.md, written a second time and slowly. Exit status 1 if anything is wrong.
"""

from __future__ import annotations

import base64
import csv
import json
import math
import re
import sys
import zlib
from collections import Counter, defaultdict
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
CLASSES = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip

# Options of augmentations where nothing else is said: pages name those that differ.
USUAL: dict[str, dict[str, float]] = {
    "affine": {"degrees": 10, "translate": 0.1, "scale": 0.1, "shear": 0}, "alternating-flip": {},
    "cutmix": {"probability": 0.5, "alpha": 1}, "cutout": {"size": 8}, "flip": {"probability": 0.5},
    "erasing": {"probability": 0.5, "smallest": 0.02, "largest": 0.4, "aspect": 3.3}, "mixup": {"alpha": 0.2},
    "translate": {"pixels": 2}, "trivial": {}, "vertical-flip": {"probability": 0.5},
}  # fmt: skip

# --- what is stored ---------------------------------------------------------------------------------------


class Run:
    """One stored run: its record, and which test images it gets right."""

    def __init__(self, folder: Path) -> None:
        self.record = json.loads((folder / "record.json").read_text("utf-8"))
        self.key = self.record["key"]
        # Older records lack the fields of cross-validation, which is 0 folds then.
        self.experiment = {"folds": 0, "fold": 0} | self.record["experiment"]
        if "answers_sha256" in self.record:  # a thin run: of each image, whether it is missed, and by how many classes
            self.labels = np.load(folder / "labels.npy").astype(int)
            answers = np.load(folder / "answers.npz")
            self.right = answers["misses"] == 0
            self.views = answers["view_misses"] == 0 if "view_misses" in answers else None
            self.disturbed = self._disturbed(folder / "robustness.json")
            return
        with np.load(folder / "test.npz") as arrays:
            self.labels = arrays["labels"].astype(int)
            self.right = self._answers(arrays, "predictions", "probabilities") == self.labels
            views = self._answers(arrays, "view_predictions", "views")
            self.views = None if views is None else views == self.labels
        self.disturbed = self._disturbed(folder / "robustness.json")

    def _disturbed(self, path: Path) -> dict[tuple[str, float], np.ndarray]:
        """By disturbance and strength, which images it gets right, in an order of their own; of all images, or {}."""
        content = json.loads(path.read_text("utf-8")) if path.exists() else {"images": 0}
        if content["images"] != len(self.right):
            return {}
        bits = np.frombuffer(zlib.decompress(base64.b64decode(content["right"])), np.uint8)
        rows = np.unpackbits(bits.reshape(-1, len(self.right)), axis=0).astype(bool)
        return dict(zip(map(tuple, content["conditions"]), rows, strict=False))

    def right_under(self, name: str) -> np.ndarray:
        """For each image, under how many of the strengths of a disturbance it is right (a share); "" for none."""
        rows = [bits for (other, _), bits in self.disturbed.items() if other == name]
        return np.mean(rows, axis=0) if name else self.right

    @staticmethod
    def _answers(arrays: object, stored: str, probabilities: str) -> np.ndarray | None:
        """The predictions as stored; of old runs, the most probable class of the rounded probabilities."""
        if stored in arrays:
            return arrays[stored].astype(int)
        return arrays[probabilities].astype(float).argmax(1) if probabilities in arrays else None

    @property
    def group(self) -> str:
        """What all seeds of this experiment have in common."""
        rest = {name: value for name, value in self.experiment.items() if name != "seed"}
        return json.dumps([rest, self.record["provenance"]["dataset_checksum"]], sort_keys=True)

    @property
    def images(self) -> int:
        return self.record["provenance"]["train_size"]


class Store:
    """All runs below a reports folder, and the groups that their seeds form."""

    def __init__(self, out: Path) -> None:
        self.runs = {path.parent.name: Run(path.parent) for path in sorted(out.glob("runs/*/record.json"))}
        newest = max((run.record["training_version"] for run in self.runs.values()), default=0)
        self.groups: dict[str, list[Run]] = defaultdict(list)
        for run in sorted(self.runs.values(), key=lambda run: run.experiment["seed"]):
            if run.record["training_version"] == newest and not run.experiment["folds"]:  # no net of a cross-validation
                self.groups[run.group].append(run)
        self.estimates: dict[str, tuple[Fraction, float]] = {}

    def pool(self, name: str) -> tuple[str, str, bool]:
        """Groups learn their spread from those on the same data, on at least half of the images or on less."""
        run = self.groups[name][0]
        most = max(r.images for r in self.runs.values() if r.experiment["dataset"] == run.experiment["dataset"])
        return run.experiment["dataset"], run.record["provenance"]["dataset_checksum"], run.images < most / 2

    def members(self, name: str) -> dict[str, list[np.ndarray]]:
        wanted = self.pool(name)
        return {n: [run.right for run in runs] for n, runs in self.groups.items() if self.pool(n) == wanted}

    @cached_property
    def protections(self) -> dict[tuple[str, str], Change]:
        """Gains over no augmentation by (augmentation, disturbance), "" for the images as they are.

        They are about the largest set of runs that differ in their augmentation alone and were asked.
        """
        sets: dict[str, dict[str, list[Run]]] = defaultdict(dict)
        for runs in self.groups.values():
            it, asked = dict(runs[0].experiment), [run for run in runs if run.disturbed]
            items, weighed = it.pop("augmentation"), it.pop("class_weights", {})
            aimed = any(item.get("classes") for item in items)
            name = ("extra" if weighed else "targeted") if aimed else "+".join(item["name"] for item in items)
            if asked and not it["folds"] and (aimed or not weighed):
                rest = {key: value for key, value in it.items() if key != "seed"}
                data = runs[0].record["provenance"]["dataset_checksum"]
                sets[json.dumps([rest, data], sort_keys=True)][name] = asked
        arms = max((arms for arms in sets.values() if "" in arms and len(arms) > 1), key=len, default={})
        made = {}
        for part in ("", *dict.fromkeys(name for run in arms.get("", [])[:1] for name, _ in run.disturbed)):
            groups = {name: [run.right_under(part) for run in runs] for name, runs in arms.items()}
            weights = posteriors(groups)
            for name in filter(None, groups):
                made[name, part] = Change(groups[name], groups[""], weights and [weights[name], weights[""]])
        holm(list(made.values()))
        return made

    def estimate(self, name: str) -> tuple[Fraction, float]:
        """Mean accuracy and half of its interval (NaN where it cannot be judged)."""
        if name not in self.estimates:
            members = self.members(name)
            weights = posteriors(members)
            self.estimates |= {n: estimate(group, weights and weights[n]) for n, group in members.items()}
        return self.estimates[name]

    def view_estimate(self, name: str) -> tuple[Fraction, float]:
        group = [run.views for run in self.groups[name]]
        others = [g for n, g in self.members(name).items() if n != name and len(g) > 1]
        weights = posteriors({"": group}, learned_from=others)
        return estimate(group, weights and weights[""])


@cache
def published() -> Store:
    """The runs that come with the project."""
    return Store(ROOT / "reports/full")


# --- the method of docs/statistics.md ---------------------------------------------------------------------

SIGMAS = [0.0] + [1e-4 * (0.6 / 1e-4) ** (i / 44) for i in range(45)]
MEDIANS = [sigma for sigma in SIGMAS if 2e-4 < sigma < 0.1]


def hypotheses() -> list[tuple[int, list[float]]]:
    """Kinds of inequality (0, 1, 2) with the distribution of an arm's sigma, for every median."""
    rows = []
    for kind, tau in enumerate((0.0, 0.6, 1.5)):
        for median in MEDIANS:
            if tau == 0:
                row = [1.0 if sigma == median else 0.0 for sigma in SIGMAS]
            else:
                row = [0.0] + [math.exp(-((math.log(s / median) / tau) ** 2) / 2) for s in SIGMAS[1:]]
            total = sum(row)
            rows.append((kind, [value / total for value in row]))
    return rows


HYPOTHESES = hypotheses()


def facts(group: list[np.ndarray]) -> tuple[float, float, int]:
    """Variance of the seeds' accuracies, the part of it that single images explain, and the number of seeds."""
    matrix = np.array(group, dtype=float)
    seeds, images = matrix.shape
    if seeds == 1:
        return 0.0, 1.0, 1
    residual = matrix - matrix.mean(0, keepdims=True) - matrix.mean(1, keepdims=True) + matrix.mean()
    mean_square = float((residual**2).sum()) / ((seeds - 1) * (images - 1))
    return float(matrix.mean(1).var(ddof=1)), max(mean_square, 1 / images) / images, seeds


def likelihood(group: list[np.ndarray]) -> list[float]:
    s2, e2, seeds = facts(group)
    logs = [-(seeds - 1) / 2 * (math.log(sigma**2 + e2) + s2 / (sigma**2 + e2)) for sigma in SIGMAS]
    return [math.exp(log - max(logs)) for log in logs]


def posteriors(
    groups: dict[str, list[np.ndarray]], learned_from: list[list[np.ndarray]] | None = None
) -> dict[str, list[float]] | None:
    """How plausible each sigma is for each group; None where no group has two seeds."""
    teachers = learned_from if learned_from else list(groups.values())
    if all(len(group) == 1 for group in teachers):
        return None
    freedom = sorted(len(group) - 1 for group in teachers)[:-2]
    few = min(1.0, sum(freedom) / 38)
    start = [math.log(weight) if weight > 0 else -math.inf for weight in (0.7 * few, 0.1 * few, 0.2)]

    def evidence(chance: list[float]) -> list[float]:
        return [math.log(sum(c * w for c, w in zip(chance, row, strict=True)) + 1e-300) for _, row in HYPOTHESES]

    chances = {name: likelihood(group) for name, group in groups.items()}
    if learned_from:
        told = [evidence(likelihood(group)) for group in learned_from]
        total, own = [sum(column) for column in zip(*told, strict=True)], dict.fromkeys(groups, [0.0] * len(HYPOTHESES))
    else:
        own = {name: evidence(chance) for name, chance in chances.items()}
        total = [sum(column) for column in zip(*own.values(), strict=True)]
    found = {}
    for name, chance in chances.items():
        logs = [start[kind] + t - o for (kind, _), t, o in zip(HYPOTHESES, total, own[name], strict=True)]
        weights = [math.exp(log - max(logs)) for log in logs]
        prior = [sum(w * row[i] for w, (_, row) in zip(weights, HYPOTHESES, strict=True)) for i in range(len(SIGMAS))]
        both = [c * p for c, p in zip(chance, prior, strict=True)]
        found[name] = [value / sum(both) for value in both]
    return found


def tail(deviation: float, by_images: float, sides: list[tuple[list[float], int]]) -> float:
    """Chance of at least this deviation if there is none in truth."""
    cases = [(by_images, 1.0)]
    for weights, seeds in sides:
        cases = [
            (variance + sigma**2 / seeds, chance * weight)
            for variance, chance in cases
            for sigma, weight in zip(SIGMAS, weights, strict=True)
            if chance * weight > 1e-13
        ]
    return min(1.0, sum(chance * math.erfc(deviation / math.sqrt(2 * variance)) for variance, chance in cases))


def half_width(by_images: float, sides: list[tuple[list[float], int]]) -> float:
    low, high = 0.0, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle, by_images, sides) > 0.05 else (low, middle)
    return (low + high) / 2


def by_images(per_image: np.ndarray) -> float:
    return (float(((per_image - per_image.mean()) ** 2).sum()) + 4) / len(per_image) ** 2


def estimate(group: list[np.ndarray], weights: list[float] | None) -> tuple[Fraction, float]:
    matrix = np.array(group)
    mean = Fraction(int(matrix.sum()), matrix.size)
    if weights is None:
        return mean, math.nan
    half = half_width(by_images(matrix.mean(0)), [(weights, len(group))])
    return mean, max(float(mean) - max(0.0, float(mean) - half), min(1.0, float(mean) + half) - float(mean))


class Change:
    """One comparison, a minus b."""

    def __init__(self, a: list[np.ndarray], b: list[np.ndarray], sides: list[list[float]] | None) -> None:
        first, second = np.array(a), np.array(b)
        per_image = first.mean(0) - second.mean(0)
        # (Sums of bools, and of fourths, are exact.)
        total, other = Fraction(float(first.sum())), Fraction(float(second.sum()))
        self.difference = float(total / first.size - other / second.size)
        self.half = self.p = self.adjusted = math.nan
        if sides:
            both = [(sides[0], len(a)), (sides[1], len(b))]
            self.half = half_width(by_images(per_image), both)
            self.p = tail(abs(self.difference), by_images(per_image), both)

    @property
    def verdict(self) -> str:
        if not self.adjusted < 0.05:
            return "no measurable difference"
        return "better" if self.difference > 0 else "worse"


def holm(changes: list[Change]) -> None:
    known = sorted((change for change in changes if not math.isnan(change.p)), key=lambda change: change.p)
    largest = 0.0
    for rank, change in enumerate(known):
        largest = max(largest, change.p * (len(known) - rank))
        change.adjusted = min(1.0, largest)


# --- what is said -----------------------------------------------------------------------------------------


class Checks:
    """What was checked, what is wrong, and what nobody recomputed."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.left: Counter[str] = Counter()

    def that(self, page: str, statement: str, true: bool, instead: object = "") -> None:
        self.done[page] += 1
        if not true:
            self.wrong.append(f"{page}: {statement}{f' (recomputed: {instead})' if instead != '' else ''}")

    def number(self, page: str, statement: str, shown: str, value: float) -> None:
        """Hold a number as it is shown against its value, to the last digit that is shown."""
        digits = len(shown.partition(".")[2])
        true = abs(signed(shown) - value) <= 0.5 * 10**-digits + 1e-6
        self.that(page, f"{statement}: {shown}", true, f"{value:.{digits}f}")


def signed(text: str) -> float:
    return float(text.replace("−", "-").replace("+", "").replace(",", ""))


ACCURACY = re.compile(r"(\d+\.\d\d) % (?:± (\d+\.\d\d) )?\(([^)]*)\)")
NOTHING, CORRECTED = "makes no measurable difference", "when corrected for all comparisons of the table"
NUMBER = r"[+−]?\d+\.\d\d"
EFFECT = re.compile(rf"({NUMBER}) points? \(({NUMBER}) to ({NUMBER})(?:; no seed)?\)")


def accuracy(checks: Checks, page: str, text: str, runs: list[Run], found: tuple[Fraction, float], what: str) -> None:
    """Check ``93.21 % ± 0.50 (3 seeds)`` against an estimate."""
    match = ACCURACY.search(text)
    if not match:
        checks.that(page, f"{what}: {text}", False, "no accuracy")
        return
    mean, half = found
    checks.number(page, f"{what}, accuracy", match[1], 100 * float(mean))
    if match[2] is None:
        checks.that(page, f"{what}: {text}", math.isnan(half) and "cannot be judged" in match[3], f"± {100 * half:.2f}")
        return
    checks.number(page, f"{what}, ±", match[2], 100 * half)
    seeds = f"{len(runs)} seed{'s' * (len(runs) != 1)}{', spread borrowed' * (len(runs) == 1)}"
    checks.that(page, f"{what}: {match[3]}", match[3] == seeds, seeds)


def reaches(found: tuple[Fraction, float], claimed: float) -> str:
    mean, half = float(found[0]), found[1]
    if math.isnan(half):
        return "cannot be judged"
    return "reached" if mean - half > claimed else "not reached" if mean + half < claimed else "within reach"


def rows_of(table: BeautifulSoup) -> list[tuple[dict[str, str], str]]:
    heads = [cell.get_text(strip=True) for cell in table.select("thead tr")[-1].find_all(["th", "td"])]
    return [
        (
            dict(zip(heads, (cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])), strict=True)),
            str(row.get("data-runs", "")),
        )
        for row in table.select("tbody tr")
    ]


def check_csv(checks: Checks, out: Path, store: Store) -> None:
    """Every row of results.csv."""
    with (out / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    checks.that("results.csv", f"{len(rows)} runs", {row["key"] for row in rows} == set(store.runs), len(store.runs))
    for row in rows:
        run = store.runs.get(row["key"])
        if run is None:
            continue
        record, it = run.record, run.experiment
        true = {
            "test_accuracy": int(run.right.sum()) / len(run.right), "train_accuracy": record["train_accuracy"],
            "seconds": round(record["seconds"], 1), "epochs": len(record["history"]), "seed": it["seed"],
            "parameters": record["parameters"], "multiply_adds": record["multiply_adds"], "train_size": run.images,
            "lr": it["lr"], "batch_size": it["batch_size"],
        }  # fmt: skip
        for name, value in true.items():
            checks.that("results.csv", f"{row['key']}, {name}: {row[name]}", float(row[name]) == value, value)
        for name in ("model", "optimizer", "schedule"):
            checks.that("results.csv", f"{row['key']}, {name}: {row[name]}", row[name] == it[name], it[name])


def check_leaderboard(checks: Checks, soup: BeautifulSoup, store: Store) -> None:
    """Every number of the leaderboard, that all experiments stand on it, and its order."""
    listed = []
    data = Counter(runs[0].record["provenance"]["dataset_checksum"] for runs in store.groups.values())
    for part, table in enumerate(soup.select(".wide table")):
        order = []
        for row, keys in rows_of(table):
            runs = [store.runs[key] for key in keys.split() if key in store.runs]
            what = f"leaderboard, {row['model']}, {row['recipe']}"
            if not runs or len({run.group for run in runs}) != 1 or runs[0].group not in store.groups:
                checks.that("index", what, False, "its runs are not one experiment's")
                continue
            name, first = runs[0].group, runs[0]
            listed.append(name)
            checks.that("index", f"{what}: its runs", runs == store.groups[name], "not all seeds, or too many")
            mean, half = store.estimate(name)
            checks.number("index", f"{what}, accuracy", row["test accuracy"].removesuffix(" %"), 100 * float(mean))
            margin = row["± 95 %"]
            if margin == "–":
                checks.that("index", f"{what}, ±", math.isnan(half), half)
            else:
                checks.number("index", f"{what}, ±", margin, 100 * half)
            checks.number("index", f"{what}, seconds", row["seconds"], of_the_first(runs))
            lengths = sorted(len(run.record["history"]) for run in runs)
            epochs = str(lengths[0]) if lengths[0] == lengths[-1] else f"{lengths[0]} to {lengths[-1]}"
            true = {
                "model": first.experiment["model"], "parameters": f"{first.record['parameters']:,}",
                "seeds": str(len(runs)), "epochs": epochs, "images": f"{first.images:,}",
            }  # fmt: skip
            for column, value in true.items():
                checks.that("index", f"{what}, {column}: {row[column]}", row[column] == value, value)
            said = [f"{first.experiment['optimizer']} {first.experiment['lr']:g}", first.experiment["schedule"]]
            for item in first.experiment["augmentation"]:
                usual = {"probability": 1.0, "name": item["name"], "classes": item["classes"]} | USUAL[item["name"]]
                details = [f"{name} {value}" for name, value in item.items() if usual[name] != value] + item["classes"]
                said.append(f"{item['name']} ({', '.join(details)})" if details else item["name"])
            checks.that("index", f"{what}: {row['recipe']}", row["recipe"].startswith(", ".join(said)), said)
            checks.that("index", f"{what}: on a part", store.pool(name)[2] == bool(part))
            order.append((data[first.record["provenance"]["dataset_checksum"]], first.images, mean))
        checks.that("index", "the order of the leaderboard", order == sorted(order, reverse=True))
    checks.that("index", "all experiments are listed once", sorted(listed) == sorted(store.groups))
    text = soup.get_text(" ", strip=True)
    several, every = sum(len(runs) > 1 for runs in store.groups.values()), len(store.groups)
    if match := re.search(r"Several seeds stand behind (?:\w+ )+?the (\d+) experiments \((\d+)\)", text):
        checks.that("index", match[0], (int(match[1]), int(match[2])) == (every, several), (every, several))
    checks.that("index", "“Each has several seeds”", ("Each has several seeds" in text) == (0 < every == several))
    if match := re.search(r"(\d+) runs", text):
        checks.that("index", match[0], int(match[1]) == len(store.runs), len(store.runs))


def arms_of(keys: str, stores: list[Store]) -> list[tuple[Store, list[Run]]]:
    arms = []
    for arm in keys.split(";"):
        store = next((s for s in stores if set(arm.split()) <= set(s.runs)), stores[0])
        arms.append((store, [store.runs[key] for key in arm.split() if key in store.runs]))
    return arms


def check_claims(checks: Checks, soup: BeautifulSoup, stores: list[Store]) -> None:
    """The claims table: measured figures, verdicts, number of seeds, and the sentence that counts them."""
    heading = soup.find(id="claims")
    table = heading and heading.find_next("table")
    if not table:
        return
    rows = [(row, arms_of(keys, stores)) for row, keys in rows_of(table)]
    pool = {
        runs[0].group: [run.right for run in runs]
        for _, arms in rows for _, runs in arms if runs and runs[0].experiment["dataset"] == "fashion-mnist"
    }  # fmt: skip
    weights = posteriors(pool) if pool else None
    compared = []
    for row, arms in rows:
        made = {}
        for a, b in pairs_of(row["holds if"], len(arms)):
            one, two = arms[a][1], arms[b][1]
            if not one or not two:
                continue
            if "recall of " in row["holds if"]:
                label = CLASSES.index(re.search(r"recall of ([\w-]+)", row["holds if"])[1])
                parts = [[run.right[run.labels == label] for run in runs] for runs in (one, two)]
                own = posteriors({"a": parts[0], "b": parts[1]})
                made[a, b] = Change(*parts, own and [own["a"], own["b"]])
            else:
                sides = weights and [weights[one[0].group], weights[two[0].group]]
                made[a, b] = Change([run.right for run in one], [run.right for run in two], sides)
        compared.append(made)
    everything = [change for made in compared for change in made.values()]
    holm(everything)
    for (row, arms), made in zip(rows, compared, strict=True):
        check_claim(checks, row, arms, made)
    text = soup.get_text(" ", strip=True)
    check_counts(checks, "index", text, Counter(row["verdict"] for row, _ in rows))
    if match := re.search(r"corrected for (\d+) comparisons?", text):
        checks.that("index", match[0], int(match[1]) == len(everything), len(everything))


def check_counts(checks: Checks, page: str, text: str, true: Counter[str]) -> None:
    match = re.search(r"Of (\d+) claims?(?: of the five source projects)?, ([^.]*)\.", text)
    if not match:
        checks.that(page, "the claims are counted", False)
        return
    found: Counter[str] = Counter()
    for part in re.split(r", | and ", match[2]):
        number, word = re.fullmatch(r"(one|\d+) (?:is |are )?(.+)", part).groups()
        found[word] = 1 if number == "one" else int(number)
    checks.that(page, match[0], found == true and int(match[1]) == sum(true.values()), dict(true))


def pairs_of(holds: str, arms: int) -> list[tuple[int, int]]:
    if "each augmentation" in holds:
        return [(i, 0) for i in range(1, arms)]
    if "than each" in holds:
        return [(0, i) for i in range(1, arms)]
    return [(1, 0)] if "measurably" in holds else []


def check_claim(
    checks: Checks, row: dict[str, str], arms: list[tuple[Store, list[Run]]], made: dict[tuple[int, int], Change]
) -> None:
    """One row: its verdict follows from its own condition."""
    what, holds, verdict = f"claim “{row['claim']}”", row["holds if"], row["verdict"]
    there = [len(runs) for _, runs in arms]
    shown = re.findall(r"\d+", row["seeds"].partition(" of ")[0])
    checks.that(
        "index", f"{what}, seeds: {row['seeds']}", [int(shown[0]), int(shown[-1])] == [min(there), max(there)], there
    )
    for _, runs in arms:
        for run in runs:
            named = re.match(r"(cnn-\w+|conv2d-\w+|inception-cnn|base|enhanced|he-cnn) \d", row["claim"])
            checks.that("index", f"{what}: its runs' model", not named or run.experiment["model"] == named[1])
            epochs = [int(number) for number in re.findall(r"(\d+) epochs", row["our protocol"])]
            checks.that("index", f"{what}: its runs' epochs", not epochs or run.experiment["epochs"] in epochs)
    complete = all(there)
    estimates = [store.estimate(runs[0].group) if runs else None for store, runs in arms]
    verdicts = [change.verdict for change in made.values()]
    if "each augmentation" in holds:
        true = "contradicted" if "better" in verdicts else "not yet run" if not complete else "not shown"
        true = "shown" if true == "not shown" and set(verdicts) == {"worse"} else true
        if made:
            check_tally(checks, "index", what, row["measured"], made)
    elif not complete:
        true = "not yet run"
    elif "than each" in holds:
        true = "contradicted" if "worse" in verdicts else "shown" if set(verdicts) == {"better"} else "not shown"
        for found, (_, runs) in zip(estimates, arms, strict=True):
            name = runs[0].experiment["optimizer"]
            text = re.search(rf"(?:^|; ){name} ([^;]*)", row["measured"])
            accuracy(checks, "index", text[1] if text else "", runs, found, f"{what}, {name}")
    elif "training accuracy" in holds:
        limits = [float(number) / 100 for number in re.findall(r"(\d+\.\d+) %", holds)]
        seen, (mean, half) = [run.record["train_accuracy"] for run in arms[0][1]], estimates[0]
        low, high = float(mean) - half, float(mean) + half
        true = "shown" if min(seen) > limits[0] and high < limits[1] else "not shown"
        true = "contradicted" if max(seen) < limits[0] or low > limits[1] else true
        accuracy(checks, "index", row["measured"].partition("test ")[2], arms[0][1], estimates[0], what)
    elif made:
        [change] = made.values()
        sign = 1 if re.search(r"measurably better", holds) else -1
        true = {"better": "shown", "worse": "contradicted"}.get(change.verdict, "not shown")
        if sign < 0:
            true = {"shown": "contradicted", "contradicted": "shown"}.get(true, true)
        check_effect(checks, "index", what, row["measured"], change)
    elif match := re.search(r"within (\d+) to (\d+) %", holds):
        low, high = (int(number) / 100 for number in match.groups())
        ends = [(float(mean) - half, float(mean) + half) for mean, half in estimates]
        inside = all(low <= one and two <= high for one, two in ends)
        true = "reached" if inside else "within reach"
        true = "not reached" if any(two < low for _, two in ends) else true
        true = "contradicted" if any(one > high for one, _ in ends) else true
        for part, found, (_, runs) in zip(row["measured"].split(";"), estimates, arms, strict=True):
            accuracy(checks, "index", part, runs, found, what)
    else:
        claimed = float(re.search(r"(\d+\.\d+) %", holds)[1]) / 100
        true = reaches(estimates[0], claimed)
        if "below" in holds:
            true = {"reached": "contradicted", "not reached": "reached"}.get(true, true)
        else:
            checks.that("index", f"{what}: {holds}", f"{100 * claimed:.2f} %" in row["claim"])
        accuracy(checks, "index", row["measured"], arms[0][1], estimates[0], what)
    if complete and (any(found and math.isnan(found[1]) for found in estimates) and not made):
        true = "cannot be judged"
    if made and complete and any(math.isnan(change.half) for change in made.values()):
        true = "cannot be judged"
    checks.that("index", f"{what}: {verdict}", verdict == true, true)


def check_effect(checks: Checks, page: str, what: str, text: str, change: Change) -> None:
    match = EFFECT.search(text)
    if not match:
        checks.that(page, f"{what}: {text}", math.isnan(change.half) and "cannot be judged" in text, change.difference)
        return
    ends = (change.difference, change.difference - change.half, change.difference + change.half)
    for shown, value, name in zip(match.groups(), ends, ("change", "low", "high"), strict=True):
        checks.number(page, f"{what}, {name}", shown, 100 * value)
    if claimed := re.search(rf"claimed ({NUMBER}) points? lies (in|above|below)", text):
        value = signed(claimed[1]) / 100
        true = "above" if value > ends[2] else "below" if value < ends[1] else "in"
        checks.that(page, f"{what}: {claimed[0]} the interval", claimed[2] == true, true)


def check_tally(checks: Checks, page: str, what: str, text: str, made: dict[tuple[int, int], Change]) -> None:
    count = {0: "none is", 1: "one is"}
    for verdict in ("better", "worse"):
        n = sum(change.verdict == verdict for change in made.values())
        said = f"{count.get(n, f'{n} are')} measurably {verdict}"
        checks.that(page, f"{what}: {text}", said in text or math.isnan(next(iter(made.values())).half), said)
    numbers = [signed(number) for number in re.findall(rf"({NUMBER})", text)]
    ends = [100 * side(change.difference for change in made.values()) for side in (min, max)]
    for shown, value in zip(numbers[:2], ends, strict=False):
        checks.that(page, f"{what}: {shown}", abs(shown - value) < 0.005001, value)


# --- the README -------------------------------------------------------------------------------------------

# The ablation's changes, restated: what an experiment of that name has in common with no other.
CHANGES = {
    "SGD instead of Muon": {"optimizer": "sgd"}, "AdamW instead of Muon": {"optimizer": "adamw"},
    "one cycle instead of linear decay": {"schedule": "one-cycle"},
    "random flips": {"augmentation": ["flip", "translate"]},
    "no flips": {"augmentation": ["translate"]}, "no translation": {"augmentation": ["alternating-flip"]},
    "no label smoothing": {"label_smoothing": 0.0}, "compact's net": {"model": "compact"},
    "mean pooling": {"pool": "mean"}, "ReLU": {"activation": "relu"},
    "with low resolution first": {"low_resolution": 0.5}, "with whitening stem": {"whitening": True},
    "with residual groups": {"residual": True}, "with squeeze-and-excitation": {"excite": True},
    "with erasing": {"augmentation": ["alternating-flip", "translate", "erasing"]},
    "with cutout": {"augmentation": ["alternating-flip", "translate", "cutout"]},
    "with mixup": {"augmentation": ["alternating-flip", "translate", "mixup"]},
    "with cutmix": {"augmentation": ["alternating-flip", "translate", "cutmix"]}, "with EMA": {"ema": 0.99},
}  # fmt: skip


def ablation(store: Store) -> dict[str, list[Run]]:
    """The ablation's groups by name, "" for the starting recipe."""
    base = {
        "optimizer": "muon", "schedule": "linear", "augmentation": ["alternating-flip", "translate"], "ema": 0.0,
        "label_smoothing": 0.1, "model": "sprint", "low_resolution": 0.0,
    }  # fmt: skip
    found = {}
    for runs in store.groups.values():
        it = runs[0].experiment
        if (it["train_size"], it["epochs"], it["validation"]) != (20_000, 5, True):
            continue
        if it["model"] not in ("sprint", "compact"):
            continue
        flat = {**{name: it[name] for name in base}, **it["model_options"]}
        flat["augmentation"] = [item["name"] for item in it["augmentation"]]
        changed = {name: value for name, value in flat.items() if base.get(name) != value}
        for name, change in {"": {}, **CHANGES}.items():
            if changed == change:
                found[name] = runs
    return found


def check_readme(checks: Checks, readme: Path, store: Store, verdicts: Counter[str]) -> None:
    """The README's tables and findings."""
    text = readme.read_text("utf-8")

    def block(name: str) -> str:
        return text.partition(f"<!-- {name} -->\n")[2].partition(f"\n<!-- /{name} -->")[0]

    def rows(name: str) -> list[dict[str, str]]:
        lines = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block(name).splitlines() if "|" in line
        ]
        return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]

    def find(parameters: str, **wanted: object) -> str | None:
        names = [
            name for name, runs in store.groups.items()
            if all(runs[0].experiment[field] == value for field, value in wanted.items())
            and f"{runs[0].record['parameters']:,}" == parameters and runs[0].images == 60_000
        ]  # fmt: skip
        return names[0] if len(names) == 1 else None

    for row in rows("results"):
        what = f"results, {row['model']}"
        model, _, data = row["model"].removesuffix(")").partition(" (")
        where = {"model": model, "dataset": data or "fashion-mnist", "epochs": int(row["our epochs"])}
        name = find(row["parameters"], **where, optimizer="adamw", schedule="one-cycle", batch_size=128,
                    label_smoothing=0.1)  # fmt: skip
        if name is None:
            checks.that("README", what, False, "no such runs, or several")
            continue
        accuracy(checks, "README", row["measured"], store.groups[name], store.estimate(name), what)
        true = reaches(store.estimate(name), float(row["claimed"].removesuffix(" %")) / 100)
        checks.that("README", f"{what}: {row['verdict']}", row["verdict"] == true, true)
    sizes = {}
    for row in rows("recipes"):
        called, net, data = re.fullmatch(r"(\w+)(?: \(net (?:of|like) (\w+)(?:, (.+))?\))?", row["recipe"]).groups()
        net = net or called
        where = {"model": net, "dataset": data or "fashion-mnist", "epochs": int(row["epochs"])}
        if called == "tiny":  # of which there are runs with another halving, as many weights and as many epochs
            where["model_options"] = {"full_size": 1}
        name = find(row["parameters"], **where, optimizer="muon", test_time_views=row["with six views"] != "none")
        if name is None:
            checks.that("README", f"recipe {called}", row["accuracy"] == "not yet run", "no such runs")
            continue
        runs, what = store.groups[name], f"recipe {called}"
        sizes[called] = name
        accuracy(checks, "README", row["accuracy"], runs, store.estimate(name), what)
        if row["with six views"] != "none":
            accuracy(checks, "README", row["with six views"], runs, store.view_estimate(name), f"{what}, views")
        seconds = of_the_first(runs)
        checks.that(
            "README", f"{what}: {row['a training']}", row["a training"].startswith(time(seconds)), time(seconds)
        )
    check_findings(checks, block("findings"), store, sizes)
    check_counts(checks, "README", block("findings"), verdicts)
    power = rows("power")
    for row in power:
        effect = float(row["effect (points)"])
        enough = [column for column in row if "seeds" in column and int(row[column].removesuffix(" %")) >= 80]
        said = f"one of {effect:g} {'point' if effect == 1 else 'points'} takes {enough[0] if enough else 'more than'}"
        checks.that("README", f"seeds for {effect:g} points", said in block("power"), said)
    checks.left["shares of the power table, which are simulated"] += sum(len(row) - 1 for row in power)


def time(seconds: float) -> str:
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def losses(runs: list[Run]) -> list[list[float]]:
    return [[row["train_loss"] for row in run.record["history"]] for run in runs]


def changes(groups: dict[str, list[np.ndarray]], same: set[str] = frozenset()) -> dict[str, Change]:
    """Compare every group with that called "", with verdicts corrected for all of them.

    Those called `same` are the very trainings of that group, and are compared seed by seed.
    """
    weights = posteriors(groups)
    made = {
        name: Change(group, groups[""], weights and [weights[name], weights[""]])
        for name, group in groups.items() if name
    }  # fmt: skip
    for name in same:
        each = [a.astype(float) - b for a, b in zip(groups[name], groups[""], strict=True)]
        images, side = by_images(np.mean(each, 0)), [(posteriors({"": each})[""], len(each))]
        made[name].half, made[name].p = half_width(images, side), tail(abs(made[name].difference), images, side)
    holm(list(made.values()))
    return made


def of_the_first(runs: list[Run]) -> float:
    """Mean seconds of the runs that were trained on the same device, threads and precision as the first."""
    first = {"precision": "fp32"}  # of records of before there was a choice
    where = [first | run.record["provenance"] for run in runs]
    how = [[each.get(name) for name in ("device", "threads", "precision")] for each in where]
    alike = [run.record["seconds"] for run, this in zip(runs, how, strict=True) if this == how[0]]
    return sum(alike) / len(alike)


def check_findings(checks: Checks, text: str, store: Store, sizes: dict[str, str]) -> None:
    for line in text.splitlines():
        if match := re.match(r"- \*\*(\w+)\*\* \(([\d,]+) weights\): (.*); a training took (.*?) on ", line):
            name = sizes.get(match[1])
            if name is None:
                checks.that("README", line, False, "no such runs")
                continue
            runs = store.groups[name]
            accuracy(checks, "README", match[3], runs, store.estimate(name), f"finding {match[1]}")
            checks.that("README", line, match[2] == f"{runs[0].record['parameters']:,}", runs[0].record["parameters"])
            seconds = of_the_first(runs)
            checks.that("README", line, match[4] == time(seconds), time(seconds))
    groups = ablation(store)
    if "" not in groups:
        return
    groups[""] = [run for run in groups[""] if run.experiment["seed"] < 10]  # the others are for the precision's row
    seeds = [run.experiment["seed"] for run in groups[""]]
    kept = {
        name: [run.right for run in runs if run.experiment["seed"] in seeds]
        for name, runs in groups.items() if {run.experiment["seed"] for run in runs} >= set(seeds)
    }  # fmt: skip
    first = losses(groups[""])
    same = {name for name in kept if name and len(seeds) > 1 and losses(groups[name])[: len(first)] == first}
    made = changes(kept, same)
    if match := re.search(r"Of (\d+) changes .*?(\d+) seeds?,", text):
        true = (len(made), len(seeds))
        checks.that("README", match[0], (int(match[1]), int(match[2])) == true, true)
    for verdict in ("better", "worse", "no measurable difference"):
        match = re.search(rf"(none|one|\d+) (?:is|are|makes?) (?:measurably )?{verdict}:? ?(.*)", text, re.IGNORECASE)
        names = {name for name, change in made.items() if change.verdict == verdict}
        if not match:
            checks.that("README", f"changes that are {verdict}", not made, names)
            continue
        said = dict(re.findall(rf"(?:, | and |^)([^(,]+?) \(({NUMBER}) points?\)", match[2]))
        number = {"none": 0, "one": 1}.get(match[1].lower()) if not match[1].isdigit() else int(match[1])
        checks.that(
            "README", f"{match[1]} {verdict}: {sorted(said)}", set(said) == names and number == len(names), names
        )
        for name, size in said.items():
            if name in made:
                checks.number("README", f"change {name}", size, 100 * made[name].difference)


# --- sentences on any page --------------------------------------------------------------------------------

EFFECTS = re.compile(rf"([^;:]+?) ({NUMBER}) points? \(({NUMBER}) to ({NUMBER})\)")
COUNT = r"(none is|one is|\d+ are)"


def number_of(text: str) -> int:
    word = text.split()[0].lower()
    return {"none": 0, "one": 1, "all": -1}[word] if not word.isdigit() else int(word)


def check_sentences(checks: Checks, page: str, text: str, store: Store) -> None:
    """Sentence forms that check themselves: counts against lists, words against intervals and shares."""
    for match in re.finditer(
        rf"of (\d+) \w+: {COUNT} measurably better(?:: (.*?))?\. {COUNT} measurably worse(?:: (.*?))?\.(?=\s|$)"
        r"(?: (.*?): (?:it makes|this one makes|they make) no measurable difference\.)?",
        text, re.IGNORECASE,
    ):  # fmt: skip
        total, better, betters, worse, worses, same = match.groups()
        for number, effects, sign in ((better, betters, 1), (worse, worses, -1)):
            listed = EFFECTS.findall(effects or "")
            checks.that(page, match[0], number_of(number) == len(listed), len(listed))
            for name, size, low, high in listed:
                inside = signed(low) <= signed(size) <= signed(high)
                checks.that(
                    page, f"{name} {size} ({low} to {high})", inside and sign * signed(low if sign > 0 else high) >= 0
                )
        found = number_of(better) + number_of(worse)
        if same:
            found += len(re.split(r", | and ", same))
        checks.that(page, match[0], found == int(total) or (found == 0 and " be told from" in text), found)
    for match in re.finditer(r"(nearly all|most|half|some|few) of the (\d[\d,]*) ([\w -]+?) \((\d[\d,]*)\)", text):
        share = Fraction(int(match[4].replace(",", "")), int(match[2].replace(",", "")))
        word = "nearly all" if share >= Fraction(9, 10) else "most" if share > Fraction(1, 2) else "some"
        word = "half" if share == Fraction(1, 2) else "few" if share <= Fraction(1, 10) else word
        checks.that(page, match[0], match[1] == word and 0 < share < 1, word)
    for match in re.finditer(r"the most frequent of the ([\d,]+) [\w -]+ is [^(]+ \(([\d,]+), (\d+) %\)", text, re.I):
        whole, part = (int(match[i].replace(",", "")) for i in (1, 2))
        checks.that(
            page, match[0], abs(100 * part / whole - int(match[3])) <= 0.5 + 1e-9 and 2 * part <= whole, part / whole
        )
    for match in re.finditer(r"most of the ([\d,]+) [\w -]+ are [^(]+ \(([\d,]+)\)", text, re.I):
        whole, part = (int(number.replace(",", "")) for number in match.groups())
        checks.that(page, match[0], whole > part > whole / 2, part / whole)
    effects = rf"(helps|hurts|{NOTHING}(?: {CORRECTED})?): ({NUMBER}) points? \(({NUMBER}) to ({NUMBER})\)"
    for match in re.finditer(rf"\b{effects}", text):
        low, high = signed(match[3]), signed(match[4])
        # Corrected for a whole table, an effect may be none though its own interval leaves out zero.
        found = f"{NOTHING} {CORRECTED}" if match[1].endswith(CORRECTED) else "helps" if low > 0 else "hurts"
        true = found if low > 0 or high < 0 else NOTHING
        touching = 0.0 in (low, high)  # too near to zero to be told from what is shown
        checks.that(page, match[0], match[1] == true or touching, true)
    for match in re.finditer(
        r"(\d+\.\d\d) % ± (\d+\.\d\d) \([^)]*\) against (\d+\.\d\d) %: (reached|within reach|not reached)", text
    ):
        mean, half, claimed = (float(match[i]) for i in (1, 2, 3))
        true = "reached" if mean - half > claimed else "not reached" if mean + half < claimed else "within reach"
        near = min(abs(mean - half - claimed), abs(mean + half - claimed)) < 0.011
        checks.that(page, match[0], match[4] == true or near, true)
    for match in ACCURACY.finditer(text):
        seeds = re.match(r"(\d+) seeds?", match[3])
        if not seeds or match[2] is None:
            continue
        same = [name for name, runs in store.groups.items() if len(runs) == int(seeds[1])]
        means = {
            name: Fraction(
                sum(int(r.right.sum()) for r in store.groups[name]), sum(r.right.size for r in store.groups[name])
            )
            for name in same
        }
        near = [name for name, mean in means.items() if abs(100 * float(mean) - float(match[1])) <= 0.005001]
        if not near:
            checks.left[f"{page}: accuracies of what is no stored group of runs"] += 1
            continue
        alone = [
            estimate(g, (posteriors({"": g}) or {}).get("")) for g in ([r.right for r in store.groups[n]] for n in near)
        ]
        halves = [half for _, half in alone] + [store.estimate(name)[1] for name in near]
        if any(abs(100 * half - float(match[2])) <= 0.005001 for half in halves):
            checks.that(page, match[0], True)
        else:
            checks.left[f"{page}: ± that a table of the page's own gives"] += 1


# --- what nets say of disturbed pictures ------------------------------------------------------------------


def check_disturbances(checks: Checks, page: str, text: str, stores: list[Store]) -> None:
    """What the strongest disturbances leave, and which augmentation protects against which."""
    for match in re.finditer(
        r"(\d+\.\d\d) %[^%]*? on the test images as they are\. At the strongest of each kind: "
        r"((?:\w+ \([^)]*\) \d+\.\d\d %[^;.]*(?:\.\d[^;.]*)?(?:; |\.))+)", text,
    ):  # fmt: skip
        said = [match[1], *re.findall(r"(\w+) \([^)]*\) (\d+\.\d\d) %", match[2])]
        found = []
        for runs in (runs for store in stores for runs in store.groups.values()):
            if asked := [run for run in runs if run.disturbed]:
                left = {name: np.mean([run.disturbed[name, strongest(run, name)] for run in asked])
                        for name in dict.fromkeys(name for name, _ in asked[0].disturbed)}  # fmt: skip
                shown = np.mean([run.right for run in asked])
                found.append([f"{100 * shown:.2f}", *((name, f"{100 * share:.2f}") for name, share in left.items())])
        if found:
            checks.that(page, match[0], said in found, found)
        else:
            checks.left[f"{page}: accuracies on disturbed images, of which nothing is stored"] += 1
    told = re.search(
        r"highest mean \(not compared with the others\): against (.*?)\. "
        r"(?:Against ([\w ,]+) none protects measurably\.)?", text,
    )  # fmt: skip
    counted = re.search(r"Of (\d+) comparisons, (none|one|\d+) (?:is|are) measurably higher.*?; (none|one|\d+) ", text)
    gains = next((made for store in reversed(stores) if (made := store.protections)), {}) if told or counted else {}
    if (told or counted) and not gains:
        checks.left[f"{page}: gains on disturbed images, of which nothing is stored"] += 1
        return
    if told:
        best = {}
        for (name, part), change in gains.items():
            if part and change.verdict == "better" and change.difference > getattr(best.get(part), "difference", 0):
                best[part], change.name = change, name
        effects = re.findall(
            rf"(?:^|against )(\w+), ([\w+-]+) ({NUMBER}) points? \(({NUMBER}) to ({NUMBER})\)", told[1]
        )
        checks.that(page, told[0], {part for part, *_ in effects} == set(best), set(best))
        for part, name, size, low, high in effects:
            change = best.get(part)
            checks.that(page, f"{name} protects most against {part}", change is not None and change.name == name)
            if change is not None:
                ends = (100 * (change.difference - change.half), 100 * (change.difference + change.half))
                for what, said, value in (
                    ("", size, 100 * change.difference),
                    (", low", low, ends[0]),
                    (", high", high, ends[1]),
                ):
                    checks.number(page, f"{name} against {part}{what}", said, value)
        bare = set(re.split(r", | and ", told[2])) if told[2] else set()
        every = {part for _, part in gains if part}
        checks.that(page, told[0], bare == every - set(best), every - set(best))
    if counted:
        verdicts = Counter(change.verdict for change in gains.values())
        true = (len(gains), verdicts["better"], verdicts["worse"])
        said = (int(counted[1]), number_of(counted[2]), number_of(counted[3]))
        checks.that(page, counted[0], said == true, true)


# --- labels in doubt --------------------------------------------------------------------------------------

KNOWN_WRONG = {16691, 22264, 28264, 33982, 40513, 42018, 45592}  # zalandoresearch/fashion-mnist, issue 166


def check_doubts(checks: Checks, page: str, text: str, out: Path) -> None:
    """How many labels are in doubt, and which of the known wrong ones are, held against ``suspects.csv``."""
    if " in doubt" not in text or not (out / "suspects.csv").is_file():
        return
    listed = defaultdict[str, list[int]](list)
    with (out / "suspects.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            listed[row["part"]].append(int(row["index"]))
    for match in re.finditer(r"Of ([\d,]+) (training|test) labels, ([\d,]+) \(([\d.]+) %\) (?:is|are) in doubt", text):
        whole, found = int(match[1].replace(",", "")), len(listed[match[2]])
        checks.that(page, match[0], int(match[3].replace(",", "")) == found, found)
        checks.number(page, f"share of {match[2]} labels in doubt", match[4], 100 * found / whole)
    if match := re.search(r"Of (\d+) labels that others have shown to be wrong, (.*) that are in doubt here", text):
        checks.that(page, match[0], int(match[1]) == len(KNOWN_WRONG), len(KNOWN_WRONG))
        for count, which, first in re.findall(r"(none|\d+) (?:is|are) among (the first|all) ([\d,]+)", match[2]):
            places, size = listed["training"], int(first.replace(",", ""))
            true = len(KNOWN_WRONG & set(places[:size]))
            checks.that(page, f"{count} among {which} {first}", number_of(count) == true, true)
            checks.that(page, f"{which} {first}", (size == len(places)) == (which == "all"), len(places))


def strongest(run: Run, name: str) -> float:
    return max(strength for other, strength in run.disturbed if other == name)


def main(arguments: list[str]) -> int:
    """Check a reports folder and, if it is the published one or a path is given, the README."""
    out = Path(arguments[0]).resolve()
    readme = Path(arguments[1]) if len(arguments) > 1 else ROOT / "README.md" if out == ROOT / "reports/full" else None
    checks, store = Checks(), Store(out)
    # claims may rest on published runs
    stores = [store] if out == ROOT / "reports/full" else [store, published()]
    check_csv(checks, out, store)
    soup = BeautifulSoup((out / "index.html").read_text("utf-8"), "html.parser")
    check_leaderboard(checks, soup, store)
    check_claims(checks, soup, stores)
    if readme:
        heading = soup.find(id="claims")
        table = heading and heading.find_next("table")
        verdicts = Counter(row["verdict"] for row, _ in rows_of(table)) if table else Counter()
        check_readme(checks, readme, store, verdicts)
    for page in sorted(out.glob("[0-9][0-9]_*.html")):
        whole = BeautifulSoup(page.read_text("utf-8"), "html.parser")
        for part in whole.select("p, li, td, .value, .reply"):
            text = part.get_text(" ", strip=True).replace(" ;", ";").replace(" :", ":")
            check_sentences(checks, page.stem, text, store)
            check_disturbances(checks, page.stem, text, stores)
            check_doubts(checks, page.stem, text, out)
    for page, number in checks.done.items():
        wrong = sum(line.startswith(f"{page}: ") for line in checks.wrong)
        print(f"{page}: {number} checked, {number - wrong} agree, {wrong} wrong")
    for what, number in checks.left.items():
        print(f"not recomputed: {number} {what}")
    for line in checks.wrong:
        print(f"WRONG {line}")
    print(f"{sum(checks.done.values())} checked, {len(checks.wrong)} wrong")
    return 1 if checks.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
