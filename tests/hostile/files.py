"""Hostile folders and files: links, pipes, huge files, and containers that lie about themselves."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from linkage_rl.candidates.container import ALIGNMENT, MAGIC
from tests.hostile.making import Bundle, Case

_PARTS: Final = ("manifest.json", "policy.onnx", "calibration.json", "golden.jsonl")


def _linked(name: str) -> Case:
    """The part lies elsewhere, and a link leads to it."""

    def case(bundle: Bundle) -> None:
        part = bundle.folder / name
        part.rename(bundle.folder.with_name("elsewhere"))
        part.symlink_to(bundle.folder.with_name("elsewhere"))

    return case


def _extra(make: Callable[[Path], object]) -> Case:
    return lambda bundle: (make(bundle.folder / "extra"), None)[1]


def _pipe_for(name: str) -> Case:
    def case(bundle: Bundle) -> None:
        (bundle.folder / name).unlink()
        os.mkfifo(bundle.folder / name)

    return case


def _folder_for(name: str) -> Case:
    def case(bundle: Bundle) -> None:
        (bundle.folder / name).unlink()
        (bundle.folder / name).mkdir()

    return case


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 << 30)


def _sparse_part(name: str) -> Case:
    """The part has megabytes of zeros more that take no room, and the right checksum."""

    def case(bundle: Bundle) -> None:
        path = bundle.folder / name
        bundle.write(name, path.read_bytes())
        os.truncate(path, 100 << 20)
        bundle.seal(with_index=False)

    return case


def _many(path: Path) -> None:
    path.mkdir()
    for number in range(2_001):
        (path / str(number)).touch()


def _index_file(content: Callable[[bytes], bytes]) -> Case:
    """The file of the state of the index holds something else, with the right checksum."""

    def case(bundle: Bundle) -> None:
        path = bundle.index_file("state")
        changed = content(path.read_bytes())
        path.unlink()
        path.write_bytes(changed)
        bundle.seal()

    return case


def _table(change: Callable[[dict[str, Any]], object]) -> Case:
    """The table of the file says something else of its arrays."""

    def rewritten(content: bytes) -> bytes:
        begin = len(MAGIC) + 8
        end = begin + int.from_bytes(content[len(MAGIC) : begin], "little")
        table = json.loads(content[begin:end])
        change(table)
        text = json.dumps(table).encode()
        text = text.ljust(-(-(begin + len(text)) // ALIGNMENT) * ALIGNMENT - begin)
        return MAGIC + len(text).to_bytes(8, "little") + text + content[end:]

    return _index_file(rewritten)


def _alive(**changes: Any) -> Case:
    return _table(lambda table: table["alive"].update(changes))


FILE_CASES: Final[dict[str, Case]] = {
    **{f"a link for {name}": _linked(name) for name in (*_PARTS, "index")},
    **{f"a pipe for {name}": _pipe_for(name) for name in _PARTS},
    **{f"a folder for {name}": _folder_for(name) for name in _PARTS},
    "a link to a file of the system": _extra(lambda path: path.symlink_to("/etc/passwd")),
    "a link to a device": _extra(lambda path: path.symlink_to("/dev/zero")),
    "a link to nothing": _extra(lambda path: path.symlink_to("nowhere")),
    "a link to the folder itself": _extra(lambda path: path.symlink_to(path.parent)),
    "a pipe besides": _extra(os.mkfifo),
    "a file of 100 GB": _extra(_sparse),
    **{f"100 MB of {name}": _sparse_part(name) for name in (*_PARTS[1:], "index/manifest.json")},
    "thousands of files": _extra(_many),
    "an empty index file": _index_file(lambda content: b""),
    "a cut index file": _index_file(lambda content: content[: len(content) // 2]),
    "an index file of zeros": _index_file(lambda content: bytes(4096)),
    "a pickle for an index file": _index_file(lambda content: b"cos\nsystem\n(S'true'\ntR."),
    "a table that is too long": _index_file(lambda content: MAGIC + b"\xff" * 8 + content[16:]),
    "a table that is no JSON": _index_file(lambda content: content[:16] + b"(" * 40 + content[56:]),
    "an array before the file": _alive(offset=-64),
    "an array beyond the file": _alive(offset=1 << 40),
    "an array between two elements": _alive(offset=1),
    "an array at no number": _alive(offset="0"),
    "an array of a fraction": _alive(offset=0.5),
    "an array of exabytes": _alive(shape=[1 << 60]),
    "an array of a negative size": _alive(shape=[-8]),
    "an array of a true size": _alive(shape=[True]),
    "an array of many dimensions": _alive(shape=[1] * 200),
    "an array of no shape": _alive(shape=None),
    "an array of objects": _alive(dtype="|O"),
    "an array of texts": _alive(dtype="<U8"),
    "an array of no type": _alive(dtype="no such type"),
    "an array of code": _alive(dtype="__import__('os').system('true')"),
    "an array of dates": _alive(dtype="<M8[s]"),
    "an array of nothing": _alive(dtype="V0"),
    "a table of lists": _table(lambda table: table.update(alive=[])),
}
