"""How nets fare when their pictures are disturbed: measured once, kept beside the run, read ever after.

<out>/runs/<key>/robustness.json   which test images the run gets right under every distortion and strength, in bits,
                                   with all that this depends on, and a checksum

The weights of a published run are mostly left out; this file says all the same what they would say.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fmnist_utils.analysis import metrics
from fmnist_utils.basics import own
from fmnist_utils.basics.errors import DIFFERS, UserError, brief
from fmnist_utils.basics.system import PUBLISHED, from_root, put_aside, write_whole
from fmnist_utils.basics.text import counted
from fmnist_utils.data.dataset import SPLIT_SEED, Dataset
from fmnist_utils.runs import record
from fmnist_utils.runs.groups import Groups, check_name
from fmnist_utils.runs.record import Damaged
from fmnist_utils.training.device import choose_device
from fmnist_utils.training.distortions import DISTORTIONS, VERSION
from fmnist_utils.training.evaluate import normalization, probabilities
from fmnist_utils.training.progress import Log, screen
from fmnist_utils.training.run import Run

FILE = "robustness.json"
AS_THEY_ARE = "as they are"
CONDITIONS = tuple((name, strength) for name, kind in DISTORTIONS.items() for strength in kind.strengths)
AGAIN = "it is measured again where the weights are there"


@dataclass(frozen=True, eq=False)
class Robustness:
    """Which test images nets get right, as they are and disturbed.

    Attributes
    ----------
    places : int (images,), of the test images that were asked, the same for all nets
    right : {group: one bool (1 + conditions, images) a run}, the first row of the images as they are, the others in
        the order of `CONDITIONS`; a group of which nothing is known is not there
    left_out : {group: number of its runs with neither weights nor a stored result}, where there are any
    """

    places: NDArray[np.int64]
    right: dict[str, list[NDArray[np.bool_]]]
    left_out: dict[str, int]

    def curves(self) -> dict[str, pd.DataFrame]:
        """Accuracy by strength: for each distortion one row a strength, from 0 on, one column a group (shares).

        The index is called by the unit of the strengths.
        """
        means = {name: np.mean(runs, axis=(0, 2)) for name, runs in self.right.items()}
        found = {}
        for name, kind in DISTORTIONS.items():
            rows = [0, *(1 + CONDITIONS.index((name, strength)) for strength in kind.strengths)]
            strengths = pd.Index([0, *kind.strengths], name=kind.unit)
            found[name] = pd.DataFrame({group: mean[rows] for group, mean in means.items()}, strengths)
        return found

    def _right_of(self, group: str) -> list[NDArray[np.bool_]]:
        check_name(group, self.right)
        return self.right[group]

    def strongest(self, group: str) -> dict[str, metrics.Estimate]:
        """Accuracy of a group under the greatest strength of each distortion, by names such as "shift (6 pixels)"."""
        rows = {
            f"{name} ({kind.strengths[-1]:g} {kind.unit})": 1 + CONDITIONS.index((name, kind.strengths[-1]))
            for name, kind in DISTORTIONS.items()
        }
        return metrics.estimate_all(
            {name: [right[row] for right in self._right_of(group)] for name, row in rows.items()}
        )

    def by_distortion(self, group: str) -> dict[str, list[NDArray[np.float64]]]:
        """For each distortion, and for the images as they are: what share of its strengths each run gets right.

        Returns
        -------
        {distortion: one float (images,) a run}
        """
        rows = {AS_THEY_ARE: [0]} | {
            name: [1 + i for i, (other, _) in enumerate(CONDITIONS) if other == name] for name in DISTORTIONS
        }
        return {name: [right[places].mean(0) for right in self._right_of(group)] for name, places in rows.items()}

    def gains(self, reference: str) -> pd.DataFrame:
        """Compare every group with the reference under each distortion, on the mean over its strengths.

        Returns
        -------
        DataFrame, one row a group and distortion, indexed by ("name", "part")
            As `metrics.compare_all`; the verdicts are corrected for all rows.
        """
        check_name(reference, self.right)
        each = {name: self.by_distortion(name) for name in self.right}
        tables = {
            part: metrics.compare_all({name: parts[part] for name, parts in each.items()}, reference)
            for part in (AS_THEY_ARE, *DISTORTIONS)
        }
        return metrics.corrected(pd.concat(tables, names=["part", "name"]).swaplevel())


def robustness(groups: Mapping[str, Iterable[Run]], data: Dataset, images: int = 0, device: str = "auto") -> Robustness:
    """Ask nets about disturbed test images, or read what they said of them.

    Parameters
    ----------
    groups : runs by a name of yours
    data : the data set that they were trained on
    images : test images to ask about, a fixed choice; 0 for all of them
    device : "auto", "cuda", "cuda:1" and so on, "mps" or "cpu"

    Returns
    -------
    Robustness
        A result is kept beside its run. A run that has none and no weights either is left out.

    Raises
    ------
    UserError
        A run was trained on other images than those of `data`, of which a result would be kept as its own.
    """
    if type(images) is not int or images < 0:
        raise UserError(f"images = {brief(images)} is not allowed, must be a number of test images; 0 for all of them")
    if not isinstance(groups, Mapping):
        raise UserError(f"robustness takes runs by a name of yours, {{'mine': [run, …]}}, not {brief(groups)}")
    lists = Groups(groups)
    runs = {run.key: run for group in lists.values() for run in group}
    for run in runs.values():
        run.check_data(data)
    order = np.random.RandomState(SPLIT_SEED).permutation(len(data.test_labels))
    places = order[: images or None]  # a smaller choice is part of a larger one
    found = {key: _stored(run, len(places)) for key, run in runs.items()}
    missing = [run for key, run in runs.items() if found[key] is None and run.has_weights]
    if missing:
        found.update(_measure(missing, data, places, device))
    right: dict[str, list[NDArray[np.bool_]]] = {}
    left_out = {}
    for name, group in lists.items():
        known = [(run, bits) for run in group if (bits := found[run.key]) is not None]
        if known:
            right[name] = [np.concatenate([run.correct[None, places], bits[:, : len(places)]]) for run, bits in known]
        if lacking := len(group) - len(known):
            left_out[name] = lacking
    return Robustness(places, right, left_out)


def check(run: Run) -> NDArray[np.bool_] | None:
    """Read what is stored of a run, bool (conditions, images); None if there is nothing that is of today.

    Raises
    ------
    Damaged
        It is not what was written.
    """
    if run.folder is None:
        return None
    try:
        content = record.parsed(run.folder / FILE)
    except FileNotFoundError:
        return None
    if not isinstance(content, dict) or content.get(record.CHECKSUM) != record.checksum(content):
        raise Damaged(DIFFERS)
    if content["key"] != run.key:
        raise Damaged(f"it is of run {content['key']!r}")
    if any(content[name] != value for name, value in _depends_on(run).items()):
        return None  # other distortions, or the run was trained again
    if run.weights_sha256 and content.get("weights", run.weights_sha256) != run.weights_sha256:
        return None  # so it was, with the same predictions
    bits = np.frombuffer(zlib.decompress(base64.b64decode(content["right"])), np.uint8)
    rows = np.unpackbits(bits.reshape(-1, content["images"]), axis=0)[: len(CONDITIONS)]
    return rows.astype(bool)


def _stored(run: Run, images: int) -> NDArray[np.bool_] | None:
    """What is stored of at least so many images; a damaged file is put aside, and a line says so."""
    try:
        found = check(run)
    except Damaged as error:
        assert run.folder is not None
        put_aside(run.folder / FILE, str(error), AGAIN)
        return None
    return found if found is not None and found.shape[1] >= images else None


def _measure(runs: list[Run], data: Dataset, places: NDArray[np.int64], device: str) -> dict[str, NDArray[np.bool_]]:
    """Ask the nets of `runs` about the disturbed images, and keep what each says as soon as it has said it all."""
    what = f"{counted(len(places), 'test image')} under {len(CONDITIONS)} disturbances each"
    print(f"Robustness: {counted(len(runs), 'run')} to ask about {what}", flush=True)
    where, scale = choose_device(device), normalization(data.train_images)
    images, labels = data.test_images[places].cpu(), data.test_labels[places].cpu()
    pictures = [DISTORTIONS[name].apply(images, strength) for name, strength in CONDITIONS]
    found = {}
    for run in tqdm(runs, "robustness", disable=type(screen()) is Log, leave=False):
        try:
            model = run.model().to(device=where, memory_format=torch.channels_last)
        except UserError as error:  # its weights are damaged: it is as if they were not there
            print(f"Left out of the robustness, run {run.key}: {error}", file=sys.stderr, flush=True)
            continue
        answers = [probabilities(model, picture.to(where), *scale).argmax(1) for picture in pictures]
        found[run.key] = np.stack([(answer == labels).numpy() for answer in answers])
        _keep(run, found[run.key])
    return found


def _keep(run: Run, right: NDArray[np.bool_]) -> None:
    """Write a result beside its run; beside a published one only if it is about all test images.

    A run that is a link to another folder's is left as it is.
    """
    whole = right.shape[1] == len(run.test_labels)
    if run.folder is None or run.folder.is_symlink() or (not whole and from_root(PUBLISHED) in run.folder.parents):
        return
    content: dict[str, Any] = {
        "key": run.key,
        **_depends_on(run),
        **({"weights": run.weights_sha256} if run.weights_sha256 else {}),
        "images": right.shape[1],
        "accuracies": right.mean(1).round(4).tolist(),  # for those who open the file
        "right": base64.b64encode(zlib.compress(np.packbits(right, axis=0).tobytes(), 9)).decode(),
    }
    path: Path = run.folder / FILE
    try:
        write_whole(path, lambda part: part.write_text(record.written(record.sealed(content)), "utf-8"))
    except OSError as error:  # the result is good all the same
        print(f"{path} cannot be written ({error.strerror}): measured again the next time", file=sys.stderr, flush=True)


def _depends_on(run: Run) -> dict[str, Any]:
    """What a result must have been asked of to be of today: which distortions, and which training."""
    conditions = [list(one) for one in CONDITIONS]
    return {"distortions": own.edited_distortions() or VERSION, "conditions": conditions, "of": _training_of(run)}


def _training_of(run: Run) -> str:
    """What tells trainings of one run apart: SHA-256 (hex) of its predictions.

    That of the weights goes with it where there is one: nets that differ may agree on a small test set.
    """
    return hashlib.sha256(run.predictions.astype(np.int64).tobytes()).hexdigest()
