"""Many scans: a folder in, a folder out."""

from __future__ import annotations

from medrestore.batch.folder import denoise_folder

__all__ = ["denoise_folder"]
