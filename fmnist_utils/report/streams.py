"""What a cell printed, joined to one text a stream, as a terminal would show it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any


def join_streams(cell: dict[str, Any]) -> None:
    """Join the pieces of each stream of a cell at the place of its first one; stdout goes before stderr.

    As nbclient and nbconvert can do, too, but in time that grows as the text does: their expression takes its square
    where a line has no carriage return.
    """
    pieces: dict[str, list[str]] = defaultdict(list)
    outputs = []
    for output in cell.get("outputs", []):
        if output["output_type"] != "stream":
            outputs.append(output)
            continue
        if output["name"] not in pieces:
            outputs.append(output)
        pieces[output["name"]].append(output["text"])
    names = [output["name"] if output["output_type"] == "stream" else "" for output in outputs]
    for i, pair in enumerate(zip(names, names[1:], strict=False)):
        if pair == ("stderr", "stdout"):  # they come in any order
            outputs[i : i + 2] = outputs[i + 1], outputs[i]
    for output in outputs:
        if output["output_type"] == "stream":
            output["text"] = overwritten("".join(pieces[output["name"]]))
    if outputs:
        cell["outputs"] = outputs


def overwritten(text: str) -> str:
    """Leave of each line what follows its last carriage return that has something behind it."""
    lines = []
    for line in text.split("\n"):
        last = line.rstrip("\r").rfind("\r")
        lines.append(line[last + 1 :])
    return "\n".join(lines)
