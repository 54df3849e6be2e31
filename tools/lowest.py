"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

Usage: ``python tools/lowest.py > lowest.txt && pip install -c lowest.txt -e '.[dev]'``. The tools of `dev` are not
among them, since users need none.
"""

import re
import tomllib
from pathlib import Path


def lowest(requirements: list[str]) -> list[str]:
    """Turn requirements such as ``dask[distributed]>=2024.8`` into constraints such as ``dask==2024.8``.

    Raises
    ------
    ValueError
        A requirement has no lower bound.
    """
    found = []
    for requirement in requirements:
        match = re.fullmatch(r"([\w.-]+)(?:\[.*\])?>=([\d.]+)(?:,.*)?", requirement.replace(" ", ""))
        if match is None:
            raise ValueError(f"{requirement} must be of the form name>=version")
        found.append(f"{match[1]}=={match[2]}")
    return found


if __name__ == "__main__":
    pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
    print(*lowest(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]), sep="\n")
