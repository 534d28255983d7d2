"""Colours of the plots: told apart by the colour-blind (Okabe & Ito), and in print."""

__all__ = ["ACCENT", "FAINT", "INK", "NOISY", "RESTORED"]

INK, FAINT = "#1c1f23", "#9aa0a6"
NOISY, RESTORED, ACCENT = "#777777", "#0072b2", "#d55e00"
