"""An imitation of Microsoft Entra ID v2.0 and of Microsoft Graph mail, for this machine only.

Beside them Key Vault's keys and App Service's managed identity, for an app without secrets.

One process with two listeners: plain http, where a browser sees the sign-in pages, and https, which is what MSAL asks
for. Nothing here is part of the product.
"""
