"""Where each picture of the film stands: pure arithmetic on a 1280 × 720 canvas. All numbers are even pixels.

A name never covers a picture: every cell is a picture box with a caption strip below it.
"""

from __future__ import annotations

from dataclasses import dataclass

FILM_WIDTH_PX = 1280
FILM_HEIGHT_PX = 720
HEADER_HEIGHT_PX = 44
CAPTION_HEIGHT_PX = 32
GAP_PX = 4
# Sixteen cells are 312 px wide: the smallest picture in which a face and a caption can still be read.
MAX_CELLS = 16
# A shared screen takes this much of the width, so that a page of evidence stays legible.
STAGE_WIDTH_PX = 960


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the canvas: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def is_even(self) -> bool:
        """4:2:0 planes can only be cut at even pixels."""
        return not (self.x | self.y | self.width | self.height) & 1


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the grid: the picture and the caption strip below it."""

    picture: Box
    caption: Box


def grid_cells(count: int) -> list[Cell]:
    """Cells for `count` people (0 to MAX_CELLS), row by row, a short last row in the middle."""
    if not count:
        return []
    columns = _columns(count)
    rows = -(-count // columns)
    return _lay(
        count, columns, rows, Box(0, HEADER_HEIGHT_PX, FILM_WIDTH_PX, FILM_HEIGHT_PX - HEADER_HEIGHT_PX)
    )


def stage_cells(count: int) -> list[Cell]:
    """Cells while a screen is shared: first the screen, then `count` - 1 others in a strip on the right."""
    height = FILM_HEIGHT_PX - HEADER_HEIGHT_PX
    stage = _lay(1, 1, 1, Box(0, HEADER_HEIGHT_PX, STAGE_WIDTH_PX, height))
    others = count - 1
    if not others:
        return grid_cells(1)
    columns = 1 if others <= 4 else 2
    rows = max(-(-others // columns), 3)
    side = Box(STAGE_WIDTH_PX, HEADER_HEIGHT_PX, FILM_WIDTH_PX - STAGE_WIDTH_PX, height)
    return stage + _lay(others, columns, rows, side)


def focus_cells(count: int) -> list[Cell]:
    """Two large cells side by side, `count` - 2 small ones in a row below."""
    if count < 2:
        return grid_cells(count)
    height = FILM_HEIGHT_PX - HEADER_HEIGHT_PX
    if count == 2:
        return grid_cells(2)
    large_height = height * 7 // 10 & ~1
    large = _lay(2, 2, 1, Box(0, HEADER_HEIGHT_PX, FILM_WIDTH_PX, large_height))
    row = Box(0, HEADER_HEIGHT_PX + large_height, FILM_WIDTH_PX, height - large_height)
    return large + _lay(count - 2, max(count - 2, 4), 1, row)


def shared_focus_cells() -> list[Cell]:
    """A shared screen and two people beside it, as large as the side allows."""
    height = FILM_HEIGHT_PX - HEADER_HEIGHT_PX
    stage = _lay(1, 1, 1, Box(0, HEADER_HEIGHT_PX, STAGE_WIDTH_PX, height))
    side = Box(STAGE_WIDTH_PX, HEADER_HEIGHT_PX, FILM_WIDTH_PX - STAGE_WIDTH_PX, height)
    return stage + _lay(2, 1, 2, side)


def fit(width: int, height: int, box: Box) -> Box:
    """The largest even box of the proportion width : height in the middle of `box`."""
    if width * box.height >= height * box.width:
        fitted_width, fitted_height = box.width, box.width * height // width
    else:
        fitted_width, fitted_height = box.height * width // height, box.height
    fitted_width, fitted_height = max(_even(fitted_width), 2), max(_even(fitted_height), 2)
    return Box(
        box.x + _even((box.width - fitted_width) // 2),
        box.y + _even((box.height - fitted_height) // 2),
        fitted_width,
        fitted_height,
    )


def _columns(count: int) -> int:
    columns = 1
    while columns * columns < count:
        columns += 1
    return columns


def _lay(count: int, columns: int, rows: int, area: Box) -> list[Cell]:
    width = _even((area.width - GAP_PX * (columns + 1)) // columns)
    height = _even((area.height - GAP_PX * (rows + 1)) // rows)
    used_rows = -(-count // columns)
    cells = []
    for index in range(count):
        row, column = divmod(index, columns)
        in_row = min(count - row * columns, columns)
        row_width = in_row * width + (in_row - 1) * GAP_PX
        left = area.x + _even((area.width - row_width) // 2)
        top = area.y + _even((area.height - used_rows * height - (used_rows - 1) * GAP_PX) // 2)
        x, y = left + column * (width + GAP_PX), top + row * (height + GAP_PX)
        picture = Box(x, y, width, height - CAPTION_HEIGHT_PX)
        cells.append(Cell(picture, Box(x, y + picture.height, width, CAPTION_HEIGHT_PX)))
    return cells


def _even(value: int) -> int:
    return value & ~1
