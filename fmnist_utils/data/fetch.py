"""Getting a published data set that is nowhere on this machine: Debian's package, or a download.

Called where data are about to be used (`load_dataset`, ``make data``, ``make reports``), and never to look.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from fmnist_utils.basics import system
from fmnist_utils.basics.errors import UserError, os_errors
from fmnist_utils.data import locate as places
from fmnist_utils.data.locate import FILES, KNOWN, Known, MissingData, Source, idx_files, locate, md5, uncompressed

PATIENCE = 30  # seconds without an answer of a mirror
# What a mirror may fail with; ValueError where its address is none.
UNREACHED = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ValueError)


@os_errors()
def fetch(name: str = "fashion-mnist", data_dir: str | Path | None = None) -> Source:
    """Find the files of a data set as `locate` does, and get a published one that is nowhere on this machine.

    Raises
    ------
    UserError
        What `locate` raises; or neither Debian's package nor the network gives the data.
    """
    try:
        return locate(name, data_dir)
    except MissingData as error:
        missing = error
    name, known = missing.name, KNOWN[missing.name]
    packaged = places.SYSTEM / name
    if not (refusal := _install_package(known, packaged)):
        return Source(name, packaged, idx_files(packaged))
    folder = system.ROOT / "data" / known.torchvision / "raw"
    if failure := _download(known, folder):
        raise UserError(
            f"{known.title} is missing and the network does not give it: {missing.looked}; "
            f"Debian's package: {refusal}; download: {failure}. Other ways: {missing.by_hand}"
        )
    return Source(name, folder, idx_files(folder))


def _install_package(known: Known, folder: Path) -> str:
    """Install Debian's package; return why that was not possible, "" if its files are in `folder` now."""
    if not known.package:
        return "there is none"
    if not shutil.which("apt-get"):
        return "apt-get is not here"
    if getattr(os, "geteuid", lambda: 1)() != 0:
        return "only root may install it"
    print(f"Installing {known.package}, Debian's package of {known.title}", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("install", "-y", "--no-install-recommends", known.package)
    for arguments in (install, ("update",), install):  # a fresh machine has no lists of packages yet
        done = subprocess.run(("apt-get", *arguments), env=environment, capture_output=True, text=True)
        if len(idx_files(folder)) == len(FILES):
            return ""
    return "".join(done.stderr.strip().splitlines()[-1:]) or f"it is installed, but its files are not in {folder}"


def _download(known: Known, folder: Path) -> str:
    """Download all four files into `folder` or none; return why the network gave none, "" if it did."""
    from torchvision import datasets

    own = os.environ.get("FMNIST_MIRROR")
    mirrors = [own] if own else getattr(datasets, known.torchvision).mirrors
    failures = []
    folder.mkdir(parents=True, exist_ok=True)
    for mirror in mirrors:
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as temporary:
            try:
                for stem, checksum in zip(FILES, known.md5, strict=True):
                    url = f"{mirror.rstrip('/')}/{stem}.gz"
                    _save(url, path := Path(temporary, f"{stem}.gz"))
                    if md5(uncompressed(path, url)) != checksum:
                        raise UserError(f"{url} is damaged: its checksum is not {known.title}'s")
            except UNREACHED as error:
                why = " ".join(str(getattr(error, "reason", error)).split())
                failures.append(f"{url}: {why}")
                continue
            except UserError as error:  # what came is not what it should be
                failures.append(str(error))
                continue
            for stem in FILES:
                os.replace(Path(temporary, f"{stem}.gz"), folder / f"{stem}.gz")
            return ""
    return "; ".join(failures)


def _save(url: str, path: Path) -> None:
    """Download one file."""
    print(f"Downloading {url}", file=sys.stderr, flush=True)
    request = urllib.request.Request(url, headers={"User-Agent": "fmnist-reports"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer, path.open("wb") as file:
        shutil.copyfileobj(answer, file)
