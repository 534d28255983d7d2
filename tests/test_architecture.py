"""The import table of the architecture, enforced, imports inside functions included."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import medrestore

SRC = Path(medrestore.__file__).parent
FILES = sorted(SRC.rglob("*.py"))

FLOORS = (
    {"errors"},
    {"volume", "devices", "disk_arrays", "resources"},
    {"core", "physics"},
    {"io", "modalities"},
    {"settings", "report"},
    {"models"},
    {"engine"},
    {"results"},
    {"restorer", "citations"},
    {"api", "rerun"},
    {"batch", "evaluation"},
    {"training"},
    {"plugin", "cli"},
)
"""The rooms, lowest first: each imports from floors below its own, and from itself."""

NEVER = {
    "core": {"volume", "disk_arrays"},  # arrays in, arrays out
    "physics": {"volume", "disk_arrays"},
    "io": {"core", "physics"},  # files are read without torch
    "plugin": {"training"},
}
"""What lies below and is closed all the same."""

BESIDE = {("physics", "core.intensity")}
"""Doors between rooms of one floor."""

LABORATORIES = {"evaluation.ensemble": {"cli"}, "evaluation.reader_study": {"cli", "plugin"}}
"""Rooms that import the house and that nothing imports but the leaves named."""

FORMATS = {"nifti", "dicom", "itk"}
MONAI = {"core.refiner", "core.autoencoder", "training.autoencoder"}
GUI = {"napari", "qtpy", "PySide6", "PyQt5", "PyQt6", "magicgui", "superqt", "vispy"}
FILE_FORMATS = {"nibabel", "pydicom", "SimpleITK", "gdcm"}


def name_of(path: Path) -> str:
    """``core.samplers.ddim`` for ``core/samplers/ddim.py``; "" for the package itself."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(p for p in parts if p != "__init__")


MODULES = {name_of(path) for path in FILES}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Every ``(module, imported name or "")`` of a file, absolute, wherever it stands."""
    package = ["medrestore", *path.relative_to(SRC).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def inside(path: Path) -> Iterator[tuple[str, str]]:
    """The imports of medrestore's own modules, as ``(module without prefix, name)``."""
    for module, name in imports(path):
        if module == "medrestore" or module.startswith("medrestore."):
            target = module.removeprefix("medrestore").lstrip(".")
            submodule = f"{target}.{name}".lstrip(".")
            yield (submodule, "") if submodule in MODULES and name else (target, name)


def within(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


def floor_of(room: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if room in rooms)


def test_every_room_has_a_floor() -> None:
    rooms = {name_of(path).split(".")[0] for path in FILES} - {""}
    assert rooms == set().union(*FLOORS)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_only_what_lies_below(path: Path) -> None:
    here = name_of(path)
    room = here.split(".")[0]
    for target, name in inside(path):
        if target == "":
            assert name == "__version__", f"{here} takes {name} by the public door; name its home"
        elif room:  # the package itself names the homes of all public names
            other = target.split(".")[0]
            beside = any(room == a and within(target, {b}) for a, b in BESIDE)
            lower = floor_of(other) < floor_of(room) and other not in NEVER.get(room, set())
            assert other == room or lower or beside, f"{here} must not import {target}"
        for laboratory, guests in LABORATORIES.items():
            if within(target, {laboratory}) and not within(here, {laboratory}):
                assert room in guests, f"{here} must not import {target}"
        if here.startswith("io.") and target.startswith("io."):
            one, two = here.split(".")[1], target.split(".")[1]
            assert one == two or not {one, two} <= FORMATS, f"{here} imports {target}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_libraries_only_where_they_belong(path: Path) -> None:
    here = name_of(path)
    room = here.split(".")[0]
    used = {module.split(".")[0] for module, _ in imports(path)}
    if here not in MONAI:
        assert "monai" not in used, f"MONAI enters in {', '.join(sorted(MONAI))} only"
    if room != "plugin" and here != "cli.scans":
        assert not used & GUI, "the viewer is an extra: scripts and workers run without"
    if room == "core":
        assert not used & FILE_FORMATS, "core knows arrays, not files"
    if room in {"io", "volume", "errors", "resources"} or here == "plugin.files":
        assert "torch" not in used, "files are read without torch"
    if here in {"plugin.layers", "plugin.files"}:
        assert "napari" not in used, "layers and files speak in tuples"


@pytest.mark.parametrize("path", [p for p in FILES if p != SRC / "__init__.py"], ids=name_of)
def test_no_import_is_hidden_in_a_string(path: Path) -> None:
    names = {
        getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(ast.parse(path.read_text()))
    }
    assert not names & {"import_module", "__import__", "run_module", "run_path"}


def test_no_two_modules_import_each_other() -> None:
    graph = {name_of(p): {target for target, _ in inside(p)} - {""} for p in FILES if name_of(p)}
    order = list(TopologicalSorter(graph).static_order())  # CycleError names a cycle
    assert order.index("errors") < order.index("volume")


def test_the_map_of_the_documentation_is_this_one() -> None:
    page = SRC.parents[1] / "docs" / "architecture.md"
    floors = "\n".join(f'    F{i}["{" · ".join(sorted(rooms))}"]' for i, rooms in enumerate(FLOORS))
    arrows = " --> ".join(f"F{i}" for i in reversed(range(len(FLOORS))))
    drawn = f"```mermaid\nflowchart TD\n{floors}\n    {arrows}\n```"
    assert drawn in page.read_text(), f"the map should be\n{drawn}"


def test_no_drawer_for_odds_and_ends() -> None:
    assert not [p for p in FILES if p.stem in {"util", "utils", "helpers", "misc", "common"}]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1
            assert lines <= 60, f"{node.name} has {lines} lines"
