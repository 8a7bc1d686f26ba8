"""A procedural industrial hall, rendered from any pose: captures whose truth is known to the millimetre.

Its mathematics, names and conventions are its own, so that a wrong convention elsewhere is found against it.
"""

from capture360_local.plant.faults import FAULTS, Effect, Fault
from capture360_local.plant.sample import Spoilt, Truth, write_sample
from capture360_local.plant.survey import Delivered, Stop
from capture360_local.plant.truth import PlateTruth, Region

__all__ = ["FAULTS", "Delivered", "Effect", "Fault", "PlateTruth", "Region", "Spoilt", "Stop", "Truth", "write_sample"]
