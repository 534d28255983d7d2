"""The frame of every page that is written: one self-contained HTML document, no script."""

from __future__ import annotations

from html import escape

__all__ = ["html_page"]


def html_page(title: str, css: str, body: str) -> str:
    """A whole document; ``title`` is text, ``body`` is HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{css}</style>
</head>
<body>
{body}
</body>
</html>
"""
