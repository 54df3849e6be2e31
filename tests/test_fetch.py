"""Fetching the published data sets: from a mirror, from Debian's package, and what is said when that fails."""

from __future__ import annotations

import functools
import gzip
import http.server
import os
import threading

import pytest
from data_files import complaint, place, real

from fmnist_utils.basics import system
from fmnist_utils.data import locate as places
from fmnist_utils.data.dataset import load_dataset
from fmnist_utils.data.locate import FILES, MissingData, locate

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


@pytest.fixture
def nowhere(tmp_path, monkeypatch, plain):
    """A machine without the data, without apt-get and with nothing but the loopback network."""
    monkeypatch.setattr(system, "ROOT", tmp_path / "project")
    monkeypatch.setattr(places, "SYSTEM", tmp_path / "system")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("FMNIST_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "bin").mkdir()
    return tmp_path


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up early, as torchvision's does when it follows redirects."""


@pytest.fixture
def mirror(tmp_path_factory, plain, monkeypatch):
    """The folder of an HTTP server with the four gz files."""
    folder = tmp_path_factory.mktemp("mirror")
    for stem, content in plain.items():
        if real()[stem].suffix == ".gz":
            (folder / f"{stem}.gz").symlink_to(real()[stem])
        else:
            (folder / f"{stem}.gz").write_bytes(gzip.compress(content, 1))
    with Server(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_download(mirror, nowhere, monkeypatch, data):
    monkeypatch.setenv("FMNIST_MIRROR", mirror[1])
    raw = nowhere / "project" / "data" / "FashionMNIST" / "raw"
    assert load_dataset().checksum == data.checksum
    assert sorted(path.name for path in raw.iterdir()) == sorted(f"{stem}.gz" for stem in FILES)
    monkeypatch.setenv("FMNIST_MIRROR", "http://127.0.0.1:9")
    assert locate().folder == raw  # not a second time


def test_looking_fetches_nothing(mirror, nowhere, monkeypatch):
    monkeypatch.setenv("FMNIST_MIRROR", mirror[1])
    with pytest.raises(MissingData, match="Fashion-MNIST is missing: .*; `make data` fetches it, or apt-get install"):
        locate()
    with pytest.raises(MissingData, match="`make data DATASET=mnist` fetches it"):
        locate("MNIST")
    monkeypatch.setenv("DRY_RUN", "1")
    with pytest.raises(MissingData):
        load_dataset()
    assert not (nowhere / "project").exists()


def test_no_network(nowhere):
    message = complaint()
    assert "the network does not give it" in message and "Connection refused" in message
    for way in ("apt-get install dataset-fashion-mnist", "DATA_DIR", "by hand", "{train,t10k}-*-ubyte.gz"):
        assert way in message
    assert "the network does not give it" in complaint("mnist")


@pytest.mark.parametrize("address", ["mirror.org/data", "http://[::1/data", f"http://{'a' * 64}.org"])
def test_an_address_that_is_none_is_told(address, nowhere, monkeypatch):
    monkeypatch.setenv("FMNIST_MIRROR", address)
    message = complaint()
    assert "the network does not give it" in message and address in message and "\n" not in message


@pytest.mark.parametrize(("fault", "word"), [("damaged", "is damaged"), ("short", "is truncated")])
def test_bad_download_is_not_kept(fault, word, mirror, nowhere, monkeypatch, plain):
    monkeypatch.setenv("FMNIST_MIRROR", mirror[1] + "/")
    served = mirror[0] / f"{TEST_LABELS}.gz"
    served.unlink()
    packed = gzip.compress(plain[TEST_LABELS][:-1] + b"\0")
    served.write_bytes(packed if fault == "damaged" else packed[:-20])
    assert f"{mirror[1]}/{TEST_LABELS}.gz {word}" in complaint()
    assert not list((nowhere / "project" / "data" / "FashionMNIST" / "raw").iterdir())


def test_a_mirror_with_bad_files_is_followed_by_the_next(mirror, nowhere, monkeypatch, data):
    folder, address = mirror
    (folder / "bad").mkdir()
    for path in folder.glob("*.gz"):
        (folder / "bad" / path.name).write_bytes(path.read_bytes()[:-20])
    monkeypatch.delenv("FMNIST_MIRROR")
    monkeypatch.setattr("torchvision.datasets.FashionMNIST.mirrors", [f"{address}/bad/", f"{address}/"])
    assert load_dataset().checksum == data.checksum


def test_download_into_a_closed_folder(mirror, nowhere, monkeypatch):
    monkeypatch.setenv("FMNIST_MIRROR", mirror[1])
    (nowhere / "project").mkdir()
    (nowhere / "project" / "data").write_text("a file, where a folder should be")
    assert "cannot read or write" in complaint()


def test_debian_package_after_an_update_of_the_lists(nowhere, monkeypatch, data):
    """The stand-in for apt-get knows the package only after `update`, as a fresh machine does."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    place(nowhere / "pool")
    script = nowhere / "bin" / "apt-get"
    script.write_text(
        f'#!/bin/sh\ncd {nowhere}\n[ "$1" = update ] && : > lists && exit\n'
        '[ "$*" = "install -y --no-install-recommends dataset-fashion-mnist" ] || exit 3\n'
        "[ -e lists ] || { echo 'E: Unable to locate package' >&2; exit 100; }\n"
        "/bin/mkdir system && /bin/mv pool system/fashion-mnist\n"
    )
    script.chmod(0o755)
    assert load_dataset().checksum == data.checksum
    assert locate().folder == nowhere / "system" / "fashion-mnist"
    script.write_text("#!/bin/sh\necho 'E: No space left' >&2; exit 100\n")
    (nowhere / "system").rename(nowhere / "gone")
    assert "Debian's package: E: No space left" in complaint()
