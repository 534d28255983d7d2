"""CPU seconds from a fresh process to the first prediction: started by `run.py`, printed as JSON.

    python -m benchmarks.backends.start torch|torch-without-monai|openvino GRAPH.xml

One slice of 256 × 230 through the predictor of mr_slice in float32, one thread. ``openvino`` loads
neither torch nor MONAI, and reads a graph that was converted and saved before;
``torch-without-monai`` makes the predictor alone.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

SHAPES = (1, 7, 256, 230), (1, 1, 256, 230), (1, 1, 1, 1)
WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "mr_slice" / "models"


def with_torch(monai: bool) -> tuple[float, object]:
    """Seconds that imports took, and a prediction."""
    import torch

    torch.set_num_threads(1)
    from medrestore.core.predictor import Condition, Predictor

    if monai:
        from medrestore.core import refiner  # noqa: F401
        from medrestore.models.model import find_card, load

        imported = time.process_time()
        predictor = load(find_card("mr_slice", "MR")).predictor
    else:
        from safetensors.torch import load_file

        imported = time.process_time()
        weights = load_file(WEIGHTS / "model.safetensors")
        own = {k.removeprefix("predictor."): v for k, v in weights.items() if "refiner." not in k}
        predictor = Predictor().eval()
        predictor.load_state_dict(own)
    with torch.inference_mode():
        return imported, predictor(Condition(*(torch.ones(shape) for shape in SHAPES)))


def with_openvino(graph: str) -> tuple[float, object]:
    """The same without torch."""
    import numpy as np

    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    imported = time.process_time()
    facts = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(graph, "CPU", facts)
    return imported, compiled([np.ones(shape, np.float32) for shape in SHAPES])


def main() -> None:
    """Measure one back end."""
    name = sys.argv[1]
    imported, _ = with_openvino(sys.argv[2]) if name == "openvino" else with_torch(name == "torch")
    import psutil  # afterwards: not part of what is measured

    facts = {
        "imports_s": round(imported, 2),
        "first_s": round(time.process_time(), 2),
        "mb": round(psutil.Process().memory_info().rss / 1e6),
        "torch": "torch" in sys.modules,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
