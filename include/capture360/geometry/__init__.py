"""Pure mathematics of rotations, projections, rays and polygons. No I/O."""
