"""Print what pyproject.toml asks for and this Python lacks, in one line: nothing when all is there.

Usage: ``python tools/missing.py [extra ...]``; an extra is one of pyproject.toml's, such as ``dev``.
"""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def missing(extras: "list[str]") -> "list[str]":
    """List the requirements of the project, and of its `extras`, that are not met here."""
    if sys.version_info < (3, 11):
        return ["Python 3.11 or newer"]
    import tomllib

    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:  # then the dependencies, which need it, are not here either
        return ["packaging"]

    def lacks(requirement: Requirement) -> list[str]:
        try:
            installed = distribution(requirement.name)
        except PackageNotFoundError:
            return [str(requirement)]
        if not requirement.specifier.contains(installed.version, prereleases=True):
            return [f"{requirement} (here: {installed.version})"]
        needs = [Requirement(need) for need in installed.requires or []] if requirement.extras else []
        return [
            part
            for need in needs
            if need.marker and any(need.marker.evaluate({"extra": extra}) for extra in requirement.extras)
            for part in lacks(need)
        ]

    pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    asked = sum((project["optional-dependencies"][extra] for extra in extras), project["dependencies"])
    return [part for requirement in asked for part in lacks(Requirement(requirement))]


if __name__ == "__main__":
    print(", ".join(missing(sys.argv[1:])))
