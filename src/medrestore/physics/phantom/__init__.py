"""Made anatomy to show, test and train on: a head for MR and a torso for CT."""

from medrestore.physics.phantom.head import head, head_mr
from medrestore.physics.phantom.shapes import Phantom
from medrestore.physics.phantom.torso import torso, torso_ct

__all__ = ["Phantom", "head", "head_mr", "torso", "torso_ct"]
