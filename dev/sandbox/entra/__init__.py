"""Microsoft Entra ID v2.0."""
