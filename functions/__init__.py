"""One file per endpoint. A handler is a plain function of request and services; function_app.py maps URLs to it."""
