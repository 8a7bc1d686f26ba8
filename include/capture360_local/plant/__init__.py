"""A procedural industrial hall, rendered from any pose: captures whose truth is known to the millimetre.

Its mathematics, names and conventions are its own, so that a wrong convention elsewhere is found against it.
"""
