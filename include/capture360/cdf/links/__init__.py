"""Links between assets and images: annotations, edges, and the record of ours."""
