"""The services of docker-compose.yaml as processes of this machine, for trials without Docker, and for tests."""
