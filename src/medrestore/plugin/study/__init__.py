"""Blinded reader study: random order and side, no names on screen, every answer kept at once.

A plan (`plan`; made from two folders by `session.pair`) and a reader's name fix the whole
order (`order`). `log` keeps the answers, `pictures` loads what is shown, `controller` decides, all
without Qt; `stage` owns the viewer while a study runs, `widget` is the dock.
"""
