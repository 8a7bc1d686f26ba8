"""The panorama viewer's static files: no code, so that the product and the sandbox may both serve them."""
