// Azurite loads its telemetry library even where telemetry is off (--disableTelemetry), and then calls nothing in it.
