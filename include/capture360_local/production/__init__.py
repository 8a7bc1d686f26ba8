"""What docker-compose.yaml says, run as processes of this machine: for a trial without Docker, and for its tests."""
