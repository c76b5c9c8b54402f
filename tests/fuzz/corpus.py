"""The stored inputs: `corpora/<target>.hex`, one input a line with a word about it, and whole texts in folders.

What once crashed a target stands here for ever (`python -m tests.fuzz TARGET --save`).
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "corpora"


def hex_lines(name: str) -> list[bytes]:
    """All inputs of one file. ValueError when a line is not hex."""
    text = (FOLDER / f"{name}.hex").read_text()
    bare = (line.partition("#")[0].strip() for line in text.splitlines())
    return [bytes.fromhex(line) for line in bare if line]


def texts(folder: str) -> list[str]:
    """All files of one folder; descriptions end their lines as on the wire."""
    return [path.read_text().replace("\n", "\r\n") for path in sorted((FOLDER / folder).iterdir())]


def save(name: str, data: bytes, why: str) -> None:
    """Append an input that broke something; commit the file with the repair."""
    with (FOLDER / f"{name}.hex").open("a") as file:
        file.write(f"{data.hex()}  # {why}\n")
