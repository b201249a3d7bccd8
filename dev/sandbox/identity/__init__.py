"""An imitation of the managed identity that Azure gives an app."""
