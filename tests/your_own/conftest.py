"""A project in which the examples of docs/your-own.md are tried."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_project import copy_package

from fmnist_utils.basics.system import ROOT

pytest.register_assert_rewrite("examples")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_package(tmp_path_factory.mktemp("project"))
    for folder in ("notebooks", "params"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return root
