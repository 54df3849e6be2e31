"""The project's own files agree with each other: dependencies, commands, documents."""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image

from fmnist_utils import UserError
from fmnist_utils.basics.system import write_whole
from fmnist_utils.report.html import SERIES

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REQUIREMENTS = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")

CONDA_NAMES = {"torch": "pytorch"}  # where conda-forge's name differs
CONDA_ONLY = {"python", "pip", "make"}

MACHINE_PATHS = r"/(?:work|root)/(?:main|shared|\.)"
HOSTS = (
    r"pypi\.org",
    r"pythonhosted\.org",
    r"anaconda\.(?:org|com)",
    r"download\.pytorch",
    r"npmjs\.",
    r"deb\.debian",
)


def project_files() -> list[Path]:
    """Every file that git has or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def called(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a plain shell: outside any environment, and not as a part of another make."""
    inherited = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHON", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if k not in inherited and not k.startswith("MAKE")}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment | variables, capture_output=True, text=True)


def make(*arguments: str, **variables: str) -> str:
    """Run make in the project, which must succeed; what it printed."""
    done = called(*arguments, **variables)
    done.check_returncode()
    return done.stdout


def test_environment_yml_agrees_with_pyproject() -> None:
    wanted = {"python": SpecifierSet(PROJECT["requires-python"])}
    for requirement in REQUIREMENTS:
        for name in (requirement.name, *requirement.extras):  # dask[distributed] is dask and distributed
            wanted[canonicalize_name(CONDA_NAMES.get(name, name))] = requirement.specifier
    entries = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    conda = [Requirement(entry) for entry in entries if isinstance(entry, str)]
    found = {canonicalize_name(entry.name): entry.specifier for entry in conda}
    assert {name: found[name] for name in found if name in wanted or name not in CONDA_ONLY} == wanted
    assert entries[-1] == {"pip": ["-e ."]}


def test_every_dependency_is_pinned_within_its_range() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, (x for x in lines if x and x[0] != "#"))}
    for requirement in REQUIREMENTS:
        for name in (requirement.name, *requirement.extras):
            (exact,) = pins[canonicalize_name(name)].specifier
            assert exact.operator == "=="
            assert requirement.specifier.contains(exact.version), f"{name} {exact.version} is out of its range"
    gpu_only = [name for name in pins if name.startswith(("nvidia", "cuda", "triton"))]
    assert not gpu_only, "these exist for some machines alone; torch asks for them where they do"


def test_the_lowest_versions_are_the_lower_ends_of_the_ranges() -> None:
    printed = subprocess.check_output([sys.executable, ROOT / "tools" / "lowest.py"], text=True).splitlines()
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, printed)}
    ranges = [Requirement(text) for text in PROJECT["dependencies"]]
    assert list(pins) == [canonicalize_name(requirement.name) for requirement in ranges]
    for requirement in ranges:
        (exact,) = pins[canonicalize_name(requirement.name)].specifier
        assert (exact.operator, f">={exact.version}") in {("==", str(part)) for part in requirement.specifier}


def test_a_requirement_without_a_lower_end_is_refused() -> None:
    from tools.lowest import lowest

    with pytest.raises(ValueError, match="numpy<3 must be"):
        lowest(["torch>=2.9,<3", "numpy<3"])


def test_both_ends_of_the_ranges_and_known_vulnerabilities_are_tried_every_week() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "dependencies.yml").read_text("utf-8"))
    assert workflow[True]["schedule"]  # YAML takes "on" for true
    jobs = workflow["jobs"]
    assert {row["versions"] for row in jobs["ranges"]["strategy"]["matrix"]["include"]} == {"lowest", "newest"}
    commands = [step.get("run", "") for step in jobs["vulnerabilities"]["steps"]]
    assert any(command.startswith("pip-audit --requirement constraints.txt") for command in commands)


def test_what_the_package_imports_is_a_declared_dependency() -> None:
    declared = {canonicalize_name(name) for r in REQUIREMENTS for name in (r.name, *r.extras)}
    providers = packages_distributions()
    for path in sorted((ROOT / "fmnist_utils").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for module in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"fmnist_utils"}:
                owners = {canonicalize_name(owner) for owner in providers.get(module, [module])}
                assert owners & declared, f"{path.relative_to(ROOT)} imports {module}, which pyproject.toml lacks"


def test_bare_make_prints_every_command() -> None:
    phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split()) - {"dev"}
    printed = set(re.findall(r"^  make ([a-z]+) +\S", make(), re.M))
    assert printed == phony
    assert printed >= {"help", "setup", "data", "reports", "lab", "test", "lint", "bench", "clean"}


def test_a_python_that_has_the_dependencies_is_used_as_it_is() -> None:
    plan = make("-n", "reports", f"PYTHON={sys.executable}")
    assert plan.strip().splitlines()[-1] == f"'{sys.executable}' -m fmnist_utils reports"
    assert "pip" not in plan


def test_the_path_of_the_project_may_have_any_characters(tmp_path: Path) -> None:
    folder = tmp_path / "o'brien's R&D; of all"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("tools", "pyproject.toml", "constraints.txt"):
        (folder / name).symlink_to(ROOT / name)
    plan = called("-n", "reports", cwd=folder).stdout.strip().splitlines()
    noted = [line for line in plan if line.endswith("> .venv/.ready")]
    assert subprocess.check_output(noted[0].rpartition(" > ")[0], shell=True, text=True).strip() == str(folder)
    # and that of an active environment in it
    (folder / "env").symlink_to(Path(sys.executable).parent.parent)
    plan = called("-n", "reports", cwd=folder, VIRTUAL_ENV=str(folder / "env")).stdout
    assert "pip" not in plan
    used = plan.strip().splitlines()[-1].partition(" -m ")[0]
    assert subprocess.check_output(f"echo {used}", shell=True, text=True).strip() == str(folder / "env/bin/python")


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_active_environment_without_the_dependencies_is_left_alone(tmp_path: Path, variable: str) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    plan = make("-n", "reports", **{variable: str(tmp_path / "bare")})
    assert plan.strip().splitlines()[-1] == "'.venv/bin/python' -m fmnist_utils reports"


def test_a_linked_environment_is_left_alone(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    venv.create(tmp_path / "theirs", symlinks=True)
    (tmp_path / ".venv").symlink_to("theirs")
    done = called("setup", cwd=tmp_path)
    assert done.returncode == 2
    assert "Error: .venv is a link" in done.stderr and "make setup PYTHON=theirs/bin/python" in done.stderr
    assert not (tmp_path / "theirs" / ".ready").exists()


def test_the_check_of_an_environment_names_what_it_lacks(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    check = ROOT / "tools" / "missing.py"
    bare = subprocess.check_output([tmp_path / "bare/bin/python", check, "dev"], text=True).strip()
    assert bare  # at least packaging, without which nothing else can be checked
    assert subprocess.check_output([sys.executable, check, "dev"], text=True).strip() == ""


def test_continuous_integration_runs_the_command_that_the_readme_names() -> None:
    assert re.search(r"^make test\b", README, re.M)
    assert re.search(r"^make test( ARGS=.*)?$", (ROOT / ".ci" / "run").read_text("utf-8"), re.M)
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")


def test_links_in_the_documents_lead_to_files() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "your-own.md"):
        links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", document.read_text("utf-8"))
        assert links
        assert [link for link in links if not (document.parent / link).exists()] == []


def test_no_file_names_a_machine_path_or_a_package_registry() -> None:
    files = project_files()
    assert ROOT / "README.md" in files
    unwanted = re.compile(f"{MACHINE_PATHS}|{'|'.join(HOSTS)}".encode())
    found = {str(path.relative_to(ROOT)): match[0] for path in files if (match := unwanted.search(path.read_bytes()))}
    assert found == {}


def test_the_readme_is_left_as_it_is_where_nothing_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmnist_utils.studies import readme

    monkeypatch.setattr(readme, "PUBLISHED", str(tmp_path))
    before = (ROOT / "README.md").read_text("utf-8")
    with pytest.raises(UserError, match="has no finished runs: README.md is left as it is"):
        readme.write()
    assert (ROOT / "README.md").read_text("utf-8") == before


@pytest.mark.slow
def test_result_tables_of_the_readme_are_what_the_records_say() -> None:
    """`python -m fmnist_utils readme` was run after the last published run."""
    from fmnist_utils.studies import readme

    text = (ROOT / "README.md").read_text("utf-8")
    assert all(block in text for block in readme.blocks())


def test_what_a_killed_process_left_of_a_file_goes_when_it_is_written_again(tmp_path: Path, dead: int) -> None:
    file, node = tmp_path / "README.md", platform.node()
    gone = tmp_path / f"README.md.{node}.{dead}.part"
    kept = [tmp_path / f"README.md.{node}.{os.getppid()}.part", tmp_path / f"README.md.elsewhere.{dead}.part"]
    for path in (gone, *kept):
        path.write_text("half")
    write_whole(file, lambda part: part.write_text("whole"))
    assert file.read_text() == "whole" and not gone.exists() and all(path.exists() for path in kept)


def test_a_readme_that_lost_a_mark_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fmnist_utils.studies import readme

    monkeypatch.setattr(readme, "BLOCKS", {"power": lambda out: "new"})
    path, whole = tmp_path / "README.md", "above\n<!-- power -->\nold\n<!-- /power -->\nbelow\n"
    for mark in ("<!-- power -->", "<!-- /power -->"):
        for text in (whole.replace(mark, ""), whole + mark):
            path.write_text(text, "utf-8")
            with pytest.raises(UserError, match="must have <!-- power --> once and below it <!-- /power --> once"):
                readme.write(path)
            assert path.read_text("utf-8") == text
    path.write_text(whole, "utf-8")
    readme.write(path)
    assert path.read_text("utf-8") == whole.replace("old", "new")


def test_contributing_has_a_line_for_each_file_of_the_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    tree = text.split("```\nfmnist_utils/\n")[1].split("```")[0]
    folder, listed = "", set()
    for line in tree.splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0] if line.strip() else ""
        if indent == 2:
            folder = name if name.endswith("/") else ""
        if indent in (2, 4) and name.endswith(".py"):
            listed.add(folder + name)
    package = ROOT / "fmnist_utils"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    assert listed == {name for name in files if not (name.endswith("/__init__.py"))}


def test_the_doors_names_are_those_that_editors_see() -> None:
    import fmnist_utils

    source = ast.parse((ROOT / "fmnist_utils" / "__init__.py").read_text("utf-8"))
    [block] = [node for node in source.body if isinstance(node, ast.If)]
    seen = {alias.asname: (str(node.module), alias.name) for node in block.body for alias in node.names}
    assert sorted(seen) == sorted(fmnist_utils.__all__)
    for name, (module, original) in seen.items():
        assert original == name
        home = fmnist_utils._EXPORTS.get(name)
        expected = f"fmnist_utils.{home}" if home else f"fmnist_utils.{fmnist_utils._MODULES[name]}".rpartition(".")[0]
        assert module == expected
        assert getattr(fmnist_utils, name) is not None


def test_the_picture_of_the_readme_is_of_the_series_as_it_is_called() -> None:
    with Image.open(ROOT / "docs" / "index.png") as picture:
        assert picture.info["Title"] == SERIES, "python tools/picture.py takes another one"
