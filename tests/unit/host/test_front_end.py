"""The imitation of Azure's front end: azure-functions-host AppServiceHeaderFixupMiddleware.cs, issue 3998."""

from __future__ import annotations

import asyncio

from starlette.types import Scope

from dev.host.front_end import forwarded, within_time_limit
from dev.host.response import Response


def scope(*headers: tuple[bytes, bytes], path: bytes = b"/") -> Scope:
    named = [(b"host", b"localhost:7071"), *headers]
    return {"raw_path": path, "headers": named, "scheme": "http", "client": ("203.0.113.7", 50000)}


def test_slashes_are_decoded_before_routing() -> None:
    assert forwarded(scope(path=b"/x/a%2Fb"))["raw_path"] == b"/x/a/b"


def test_the_client_is_appended_with_its_port() -> None:
    """Azure/Azure-Functions issues 1597 and 1199: the platform's addresses carry a port."""
    headers = dict(forwarded(scope((b"x-forwarded-for", b"192.0.2.1")))["headers"])
    assert headers[b"x-forwarded-for"] == b"192.0.2.1, 203.0.113.7:50000"
    assert dict(forwarded(scope())["headers"])[b"x-forwarded-for"] == b"203.0.113.7:50000"


def test_the_disguised_host_becomes_the_host() -> None:
    fixed = forwarded(scope((b"disguised-host", b"app.example.org")))
    assert [value for name, value in fixed["headers"] if name == b"host"] == [b"app.example.org"]


def test_the_first_forwarded_scheme_becomes_the_scheme() -> None:
    assert forwarded(scope((b"x-forwarded-proto", b"https, http")))["scheme"] == "https"
    plain = forwarded(scope())
    assert plain["scheme"] == "http"
    assert dict(plain["headers"])[b"x-forwarded-proto"] == b"http"


def test_the_forwarded_host_is_ignored() -> None:
    fixed = forwarded(scope((b"x-forwarded-host", b"evil.example")))
    assert dict(fixed["headers"])[b"host"] == b"localhost:7071"


def test_an_answer_in_time_is_passed_on() -> None:
    async def answer() -> Response:
        return Response(200)

    assert asyncio.run(within_time_limit(answer())).status == 200


def test_after_the_time_limit_the_client_gets_502_and_the_function_goes_on() -> None:
    """MicrosoftDocs/azure-docs functions-timeout-duration: the load balancer answers, the function is not stopped."""
    ended = []

    async def answer(release: asyncio.Event) -> Response:
        await release.wait()
        ended.append(True)
        return Response(200)

    async def too_late() -> Response:
        release = asyncio.Event()
        response = await within_time_limit(answer(release), limit=0.01)
        release.set()
        while not ended:
            await asyncio.sleep(0)
        return response

    assert asyncio.run(too_late()).status == 502
