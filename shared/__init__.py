"""What every endpoint stands on. Imports run one way: services, auth and graph, sessions, ..., clock, errors."""
