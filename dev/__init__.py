"""What runs Drawbridge on one machine: `python3 dev run|test|check|host`. Never deployed."""
