"""An app with settings and replaceable services, as small as can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


class _Services:
    def __init__(self) -> None:
        self.factory: Callable[[], Any] | None = None

    def use(self, factory: Callable[[], Any]) -> None:
        self.factory = factory


services = _Services()


@app.route(route="services")
def show(req: func.HttpRequest) -> func.HttpResponse:
    assert services.factory is not None
    return func.HttpResponse(services.factory())
