"""Links between assets and images: annotations, edges, and whose they are."""
