"""Rules that deliveries, projects and links must satisfy, and findings of broken ones."""
