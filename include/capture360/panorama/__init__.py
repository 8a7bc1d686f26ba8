"""Pictures of the whole sphere: rotations, projections between panorama and cube, and the image files themselves."""
