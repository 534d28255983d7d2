"""Whether two folders of results are the same, apart from times, dates and chance UIDs."""

import json
import re
from pathlib import Path

import pydicom

OWN_TIMES = re.compile(r"\d+(\.\d+)? s\b|\d+ min \d+ s")


def content(path: Path) -> object:
    """A file without its own times, dates and chance UIDs; logs in the order of their scans."""
    if path.suffix == ".dcm":
        dataset = pydicom.dcmread(path)
        own = [e.tag for e in dataset if e.VR in ("UI", "DA", "TM", "DT", "SQ")]
        for tag in own:
            del dataset[tag]
        return dataset.to_json()
    if path.name.endswith("_run.json"):
        record = json.loads(path.read_text())
        return {**record, "plan": {**record["plan"], "seconds": 0, "memory_bytes": 0}}
    if path.name == "batch.jsonl":
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return sorted(({**line, "seconds": 0} for line in lines), key=lambda line: line["scan"])
    if path.name == ".report_parts.jsonl":
        lines = [json.loads(OWN_TIMES.sub("", line)) for line in path.read_text().splitlines()]
        without = [{**line, "article": {**line["article"], "seconds": 0}} for line in lines]
        return sorted(without, key=lambda line: line["key"])
    if path.name == "report.html":
        return OWN_TIMES.sub("", path.read_text())
    return path.read_bytes()


def assert_same(one: Path, other: Path) -> None:
    trees = [{p.relative_to(root).as_posix(): p for p in root.rglob("*")} for root in (one, other)]
    assert trees[0].keys() == trees[1].keys()
    for name, path in trees[0].items():
        if path.is_file():
            assert content(path) == content(trees[1][name]), name
