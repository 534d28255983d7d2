"""Many scans: a folder in, a folder out. Each module loads what it needs, torch or not."""
