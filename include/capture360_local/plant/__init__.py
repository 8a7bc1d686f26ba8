"""A procedural industrial hall, rendered from any pose, for captures with exact ground truth.

It shares no code with the product, so that tests against it reveal wrong conventions of the product.
"""
