"""Links between assets and images: annotations, edges, and the record of those that capture360 created."""
