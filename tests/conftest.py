"""Fixtures that several test files share."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from data_files import real
from small_project import with_a_run, write_project
from training_processes import Worker, trained_alone

from fmnist_utils import Dataset, load_dataset
from fmnist_utils.basics import own
from fmnist_utils.data.locate import MissingData, uncompressed
from fmnist_utils.report import marker
from fmnist_utils.runs import trace


@pytest.fixture(scope="session")
def data() -> Dataset:
    """The real Fashion-MNIST, found or fetched the way users get it."""
    return load_dataset()


@pytest.fixture(scope="session")
def plain() -> dict[str, bytes]:
    """Uncompressed content of the real files, by their names."""
    return {stem: uncompressed(path) for stem, path in real().items()}


@pytest.fixture
def edited_package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a file of the package that decides results not be as it was released."""
    monkeypatch.setitem(own.RELEASED, "models/layers.py", "")
    own.edited.cache_clear()
    yield
    monkeypatch.undo()
    own.edited.cache_clear()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, trained one after the other by one process of one thread."""
    return trained_alone(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def nothing_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """See a folder as a project of its own does, in which nothing is published until a test puts it there."""
    for module in (trace, marker):
        monkeypatch.setattr(module, "PUBLISHED", str(tmp_path / "published"))


@pytest.fixture
def without_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let studies find every data set on this machine but MNIST, whatever it has."""

    def locate(name: str) -> None:
        if name == "mnist":
            raise MissingData("mnist", "looked nowhere", "get it by hand")

    monkeypatch.setattr("fmnist_utils.studies.recipes.locate", locate)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of three tiny notebooks."""
    return write_project(tmp_path)


@pytest.fixture
def dead() -> int:
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run in its store."""
    return with_a_run(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Address of a Dask scheduler in a process of its own, without workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    yield address
    process.kill()
    process.wait()


@pytest.fixture
def worker(scheduler: str) -> Iterator[Worker]:
    """Start workers of the scheduler; each is one process, without a nanny that would start it again."""
    workers = Worker(scheduler)
    yield workers
    for process in workers.started:
        process.kill()
        process.wait()
