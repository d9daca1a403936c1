"""Lines of a file, plain or packed as ``.gz`` or ``.zst``; none longer than the reader is ready to hold in memory.

Lines end at "\\n" only, for texts may hold Unicode line separators.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import zstandard

from longthought.agents.errors import UsageError

#: What a packed file's name ends in.
PACKINGS: Final = (".gz", ".zst")
_PIECE: Final = 1 << 20
#: The window that ``zstd --ultra`` uses at most; a hostile header may ask for far more memory.
_WINDOW: Final = 1 << 27


def pieces(file: Path) -> Iterator[bytes]:
    """The file's bytes, unpacked, a megabyte at a time.

    Raises:
        UsageError: it cannot be read, or not be unpacked.
    """
    try:
        with file.open("rb") as packed:
            stream = _unpacked(file, packed)
            while piece := stream.read(_PIECE):
                yield piece
    except (zstandard.ZstdError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UsageError(f"{file}: cannot be read: it cannot be unpacked ({error})") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error


def lines(file: Path, read: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """What was ``read`` of the file as lines without their ends; what comes after the last end is a line if it is any.

    Raises:
        UsageError: a line has more than ``longest`` bytes; the error has its number.
    """
    number = 1
    rest: list[bytes] = []  # joined once: a long line comes in many pieces
    held = 0
    for piece in read:
        first, *others = piece.split(b"\n")
        rest.append(first)
        held += len(first)
        if others:
            yield b"".join(rest)
            yield from others[:-1]
            number += len(others)
            rest, held = others[-1:], len(others[-1])
        if held > longest:
            raise UsageError(
                f"{file}:{number}: a row of more than {longest >> 20} MiB; is this a file of JSON lines?"
            )
    if held:
        yield b"".join(rest)


def _unpacked(file: Path, packed: BinaryIO) -> BinaryIO:
    match file.suffix:
        case ".gz":
            return cast("BinaryIO", gzip.GzipFile(fileobj=packed))
        case ".zst":
            unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
            return cast("BinaryIO", unpacker.stream_reader(packed, read_across_frames=True))
        case _:
            return packed
