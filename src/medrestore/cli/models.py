"""`medrestore models`: what models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.cli.output import as_json, table
from medrestore.cli.parser import Commands, Namespace, command

if TYPE_CHECKING:
    from medrestore.models.card import Card


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "list the models that `denoise --model` can take"
    parser = command(commands, "models", run, does, "  medrestore models\n")
    parser.add_argument("--json", action="store_true", help="for machines: the whole cards")


def run(arguments: Namespace) -> int:
    """List the models; cards are read, weights are not."""
    from medrestore.models.model import available

    cards = available()
    if arguments.json:
        print(as_json([{**card.facts, "bytes": _bytes(card)} for card in cards]))
    elif not cards:
        print("no models; `medrestore train` makes one")
    else:
        titles = ("model", "for", "mode", "size", "what it is", "measured")
        table(titles, [_row(card) for card in cards])
    return 0


def _row(card: Card) -> tuple[str, ...]:
    size = f"{_bytes(card) / 1e6:.1f} MB"
    calibrated = "" if card.known.intervals.factors else "not calibrated"
    measured = "; ".join(filter(None, (calibrated, _headline(card.known.evaluation))))
    return (card.name, card.modality, card.mode, size, card.summary, measured)


def _bytes(card: Card) -> int:
    return card.weights.stat().st_size if card.weights.is_file() else 0


def _headline(evaluation: Any) -> str:
    """The headline of a card, else those of its metrics that are single numbers or words."""
    if not isinstance(evaluation, dict):
        return str(evaluation or "")
    if "headline" in evaluation:
        return str(evaluation["headline"])
    plain = {k: v for k, v in evaluation.items() if isinstance(v, (int, float, str))}
    return ", ".join(
        f"{key.replace('_', ' ')} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in plain.items()
    )
