"""Microsoft Graph v1.0, as much of it as the app calls."""
