"""The parts that the services share: the application and its server, storage, access, limits and faults."""
