"""An imitation of Azure Key Vault's keys, as far as wrapping goes."""
