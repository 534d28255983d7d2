"""A model's card and the files of its bundle that follow from it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.modalities import modality_named
from medrestore.models.card_page import curve_picture, page
from medrestore.models.schema import CARD_VERSION
from medrestore.report.files import as_json, write_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_card"]


def write_card(folder: Path, facts: dict[str, Any]) -> None:
    """Write ``configs/card.json`` and the files that follow from it."""
    card = {**facts, "version": CARD_VERSION}
    write_file(folder / "configs" / "card.json", [as_json(card)])
    write_file(folder / "configs" / "metadata.json", [as_json(_metadata(card))])
    write_file(folder / "configs" / "inference.json", [as_json(_inference(card))])
    write_file(folder / "docs" / "README.md", [page(card).encode()])
    picture = curve_picture(card)
    if picture is not None:
        write_file(folder / "docs" / "curve.png", [picture])


def _metadata(card: dict[str, Any]) -> dict[str, Any]:
    """Return MONAI bundle metadata, for bundle browsers."""
    depth = int(card.get("depth", 1))
    shape = ["*", "*"] if depth == 1 else [depth, "*", "*"]
    return {
        "version": "0.1.0",
        "changelog": {"0.1.0": "first trained weights"},
        "monai_version": _installed("monai"),
        "pytorch_version": _installed("torch"),
        "numpy_version": _installed("numpy"),
        "required_packages_version": {"medrestore": __version__},
        "task": f"{card['modality']} denoising with "
        f"{'calibrated' if card['intervals']['factors'] else 'uncalibrated'} uncertainty",
        "description": card["summary"],
        "authors": "the medrestore developers",
        "copyright": "the medrestore developers",
        "intended_use": "research only, not for diagnosis",
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image",
                    "format": modality_named(card["modality"]).form,
                    "num_channels": int(card["predictor"].get("slices", 1)),
                    "spatial_shape": shape,
                    "dtype": "float32",
                    "is_patch_data": depth > 1,
                }
            },
            "outputs": {
                "pred": {
                    "type": "image",
                    "format": "mean and log standard deviation",
                    "num_channels": 2,
                    "spatial_shape": shape,
                    "dtype": "float32",
                    "is_patch_data": depth > 1,
                }
            },
        },
    }


def _installed(package: str) -> str:
    """Return the version that a model was made with, without the build's name (``+cpu``)."""
    return version(package).partition("+")[0]


def _inference(card: dict[str, Any]) -> dict[str, Any]:
    """Return the MONAI bundle configuration that loads the two networks."""
    return {
        "imports": ["$import medrestore.models as models"],
        "bundle_root": ".",
        "card": "$models.Card.read(@bundle_root)",
        "model": "$models.load(@card, 'cpu')",
        "predictor": "$@model.predictor",
        "refiner": "$@model.refiner",
    }
