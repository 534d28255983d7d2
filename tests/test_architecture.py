"""The import table of the architecture, enforced, imports inside functions included."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import medrestore

SRC = Path(medrestore.__file__).parent
FILES = sorted(SRC.rglob("*.py"))

LOW = {
    "errors",
    "volume",
    "component",
    "core",
    "physics",
    "io",
    "resources",
    "software",
    "models",
    "settings",
    "level",
    "noise_told",
    "noise_words",
    "plan_warnings",
    "plan",
    "card",
    "engine",
    "pipeline",
    "backoff",
    "forecast",
    "pace",
    "threads",
    "guards",
    "verdict",
    "regions",
    "scratch",
    "saving",
    "html_page",
    "noise",
    "frame",
    "guided",
    "stretch",
    "label_map",
    "sizes",
    "value_check",
}
LEAF = LOW | {"api", "likelihood", "result", "running"}
MAY_IMPORT = {
    "": LEAF | {"batch", "evaluation"},  # the lazy table of public names
    "errors": set[str](),
    "resources": {"errors"},
    "software": set[str](),
    "volume": {"errors"},
    "component": {"errors", "volume"},
    "core": {"errors", "core"},
    "physics": {"errors", "core.intensity", "physics"},
    "label_map": set[str](),
    "sizes": set[str](),
    "value_check": {"errors", "volume", "core", "label_map", "scratch"},
    "io": {"errors", "volume", "scratch", "label_map", "io"},
    "card": {"errors", "core"},
    "models": {"errors", "core", "resources", "card"},
    "noise_told": {"errors", "volume"},
    "settings": {"errors", "core.evaluations", "core.schedules", "noise_told"},
    "level": {"core.planes", "scratch"},
    "plan_warnings": {"card", "core.method", "level", "noise_told", "settings", "volume"},
    "noise_words": {"level", "noise_told", "plan"},
    "plan": {
        "errors",
        "volume",
        "card",
        "core.evaluations",
        "core.windows",
        "level",
        "plan_warnings",
        "settings",
    },
    "scratch": {"errors"},
    "engine": {"core", "plan", "scratch"},
    "frame": {"core", "engine", "plan"},
    "guided": {"core", "frame"},
    "stretch": {"core", "engine", "plan", "frame", "guided"},
    "pipeline": {"errors", "volume", "core", "engine", "plan", "frame", "stretch", "scratch"},
    "backoff": {"errors", "volume", "core", "engine", "plan", "pipeline"},
    "threads": set[str](),
    "pace": {"volume", "core", "card", "models", "plan", "pipeline", "guards"},
    "forecast": {"core", "card", "models", "plan", "pipeline", "frame", "scratch", "pace", "sizes"},
    "verdict": set[str](),
    "guards": {"volume", "core", "engine", "plan", "scratch", "verdict"},
    "regions": {"errors", "volume", "core", "engine", "models", "plan", "pipeline"},
    "saving": {"errors"},
    "html_page": set[str](),
    "noise": {"errors", "volume", "component", "core", "level", "noise_told", "scratch"},
    "result": LOW,  # a part of the public interface, in a file of its own
    "likelihood": LOW,
    "running": {"errors", "core", "models", "plan", "volume", "backoff", "result"},
    "api": LOW | {"result", "running"},
    "batch": LEAF | {"batch"},
    "evaluation": LEAF | {"evaluation"},
    "training": LEAF | {"evaluation", "training"},
    "plugin": LEAF | {"batch", "evaluation", "plugin"},
    "cli": LEAF | {"batch", "evaluation", "cli", "training"},  # the command `train`
}
FORMATS = {"nifti", "dicom", "itk"}
MONAI = {"core.refiner", "core.autoencoder", "training.adversary"}
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


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_only_what_lies_below(path: Path) -> None:
    here = name_of(path)
    allowed = MAY_IMPORT[here.split(".")[0]]
    for target, name in inside(path):
        if target == "":
            assert name == "__version__", f"{here} takes {name} by the public door; name its home"
        else:
            assert within(target, allowed), f"{here} must not import {target}"
        if here.startswith("io.") and target.startswith("io."):
            one, other = here.split(".")[1], target.split(".")[1]
            assert one == other or not {one, other} <= FORMATS, f"{here} imports {target}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_libraries_only_where_they_belong(path: Path) -> None:
    here = name_of(path)
    room = here.split(".")[0]
    used = {module.split(".")[0] for module, _ in imports(path)}
    if here not in MONAI:
        assert "monai" not in used, f"MONAI enters in {', '.join(sorted(MONAI))} only"
    if room not in {"plugin", "cli"}:
        assert not used & GUI, "viewers and Qt live in the leaves"
    if room == "core":
        assert not used & FILE_FORMATS, "core knows arrays, not files"
    if room in {"io", "volume", "errors", "resources"} or here == "plugin.reader":
        assert "torch" not in used, "files are read without torch"
    if here in {"plugin.layers", "plugin.reader"}:
        assert "napari" not in used, "layers and reader speak in tuples"


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
