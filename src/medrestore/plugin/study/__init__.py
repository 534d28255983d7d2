"""Blinded reader study: random order and side, no names on screen, every answer kept at once.

A plan (`plan`; made from two folders by `session.pair`) and a reader's name fix the whole order
(`questions`, which also keeps the answers); `controller` decides, all without Qt. `stage` loads the
pictures and owns the viewer while a study runs, `widget` is the dock.
"""
