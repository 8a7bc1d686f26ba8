"""360° images, their collections and face files, in both generations of CDF's 360 model."""
