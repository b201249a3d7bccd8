"""The control endpoint: scripts faults, moves clocks, tells what happened."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.sandbox.entra.authorize import RedirectedError, accept, open_page, parse_request, prove, sign_in
from dev.sandbox.entra.errors import EntraError
from dev.sandbox.people import Person
from dev.sandbox.vault import api as vault
from dev.sandbox.world import World, world_of

QUIET_DEADLINE = 2.0


def routes() -> list[Route]:
    """Everything under /_control."""
    return [
        Route("/_control/reset", reset, methods=["POST"]),
        Route("/_control/faults", add_fault, methods=["POST"]),
        Route("/_control/faults/{id:int}", remove_fault, methods=["DELETE"]),
        Route("/_control/log", log, methods=["GET"]),
        Route("/_control/stats", stats, methods=["GET"]),
        Route("/_control/canaries", canaries, methods=["GET"]),
        Route("/_control/settings", settings, methods=["POST"]),
        Route("/_control/clock", clock, methods=["POST"]),
        Route("/_control/app-clock", app_clock, methods=["POST"]),
        Route("/_control/people/{key}", patch_person, methods=["POST"]),
        Route("/_control/mailbox/{key}", replace_mailbox, methods=["POST"]),
        Route("/_control/expire", expire, methods=["POST"]),
        Route("/_control/revoke", revoke, methods=["POST"]),
        Route("/_control/vault/new-version", new_key_version, methods=["POST"]),
        Route("/_control/revoke-access", revoke_access, methods=["POST"]),
        Route("/_control/demand-step-up", demand_step_up, methods=["POST"]),
        Route("/_control/sign-in", do_sign_in, methods=["POST"]),
    ]


class ControlGate:
    """ASGI: any web page can reach loopback, so Host, Origin and the token are checked before anything is done."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """403 for a foreign Host or Origin, 401 without the token, 400 for a body that makes no sense."""
        if not scope["path"].startswith("/_control"):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        refusal = self._refusal(request)
        if refusal is None:
            try:
                await self._app(scope, receive, send)
                return
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                refusal = JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        await refusal(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        own = own_hosts(request)
        origin = request.headers.get("origin")
        if request.headers.get("host") not in own:
            return JSONResponse({"error": "this Host is not the sandbox's"}, 403)
        if origin is not None and origin not in {f"{request.url.scheme}://{host}" for host in own}:
            return JSONResponse({"error": "this Origin is not the sandbox's"}, 403)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expected = self._world.options.control_token
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), expected.encode()):
            return JSONResponse({"error": "the control token is missing or wrong"}, 401)
        return None


def own_hosts(request: Request) -> set[str]:
    """The Host values under which the listener of this request may be addressed."""
    port = request.state.connection.listener.port
    return {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}


async def _document(request: Request) -> dict[str, Any]:
    body = await request.body()
    document = json.loads(body) if body else {}
    if not isinstance(document, dict):
        raise ValueError("the body is not a JSON object")
    return document


async def reset(request: Request) -> Response:
    """Everything back to the start, once what is still being answered slowly has been let go."""
    world = world_of(request)
    world.pauses.release()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(QUIET_DEADLINE):
            while world.calls.under_way:
                await asyncio.sleep(0.001)
    world.reset()
    return Response(status_code=204)


async def add_fault(request: Request) -> Response:
    """{where, times, match, action} -> {"id"}."""
    return JSONResponse({"id": world_of(request).faults.add(await _document(request))}, 201)


async def remove_fault(request: Request) -> Response:
    """Remove one."""
    world_of(request).faults.remove(request.path_params["id"])
    return Response(status_code=204)


async def log(request: Request) -> Response:
    """The calls since ?since=n."""
    return JSONResponse(world_of(request).calls.since(int(request.query_params.get("since", "0"))))


async def stats(request: Request) -> Response:
    """Counts."""
    return JSONResponse(world_of(request).calls.stats())


async def canaries(request: Request) -> Response:
    """Every code and token ever issued."""
    world = world_of(request)
    return JSONResponse([*world.grants.issued, *world.identity_tokens.issued])


async def settings(request: Request) -> Response:
    """Change some settings; the answer is all of them."""
    world = world_of(request)
    world.settings.update(await _document(request))
    return JSONResponse(vars(world.settings))


async def clock(request: Request) -> Response:
    """{offset}: the sandbox's clock, in seconds."""
    world_of(request).clock.offset = float((await _document(request))["offset"])
    return Response(status_code=204)


async def app_clock(request: Request) -> Response:
    """{offset}: the app's clock, through the file that the local host has mapped."""
    file = world_of(request).app_clock
    if file is None:
        raise ValueError("the sandbox was started without a clock file")
    file.write(float((await _document(request))["offset"]))
    return Response(status_code=204)


async def patch_person(request: Request) -> Response:
    """A merge patch over the person's claims; the answer is all of them."""
    person = world_of(request).people.patch(request.path_params["key"], await _document(request))
    return JSONResponse(person.claims)


async def replace_mailbox(request: Request) -> Response:
    """{"messages": [...], "next_link": optional} or {"copies": how many}."""
    world, document = world_of(request), await _document(request)
    person = world.people[request.path_params["key"]]
    if "copies" in document:
        world.mailboxes.enlarge(person, int(document["copies"]))
    else:
        world.mailboxes.replace(person, document["messages"], document.get("next_link"))
    return Response(status_code=204)


async def expire(request: Request) -> Response:
    """{person?}: Graph refuses the access tokens issued so far."""
    world = world_of(request)
    key = (await _document(request)).get("person")
    world.grants.expire(lambda person: key in (None, person.key))
    return Response(status_code=204)


async def revoke(request: Request) -> Response:
    """{person?}: Entra refuses the refresh tokens issued so far."""
    world = world_of(request)
    key = (await _document(request)).get("person")
    world.grants.revoke(lambda person: key in (None, person.key))
    return Response(status_code=204)


async def revoke_access(request: Request) -> Response:
    """{person?}: Graph challenges the access tokens issued so far; what a refresh gives will do."""
    world_of(request).demands.revoke_access((await _document(request)).get("person"))
    return Response(status_code=204)


async def demand_step_up(request: Request) -> Response:
    """{person?, resource, claims?, error}: challenge until the person has signed in with the claims -> the claims."""
    asked = await _document(request)
    demand = world_of(request).demands.step_up(
        asked.get("person"), asked["resource"], asked.get("claims"), asked["error"]
    )
    return JSONResponse(demand.claims)


async def new_key_version(request: Request) -> Response:
    """Rotates the vault's key -> {"key_id"}, with the new version."""
    world = world_of(request)
    return JSONResponse({"key_id": vault.key_id(world.https_url, world.vault_key.add_version())})


async def do_sign_in(request: Request) -> Response:
    """{authorize_url, person}: what a person does who chooses an account, proves and accepts -> {"location"}.

    400 with the AADSTS code where the person would have been shown an error page. Faults are for requests on the wire
    and do not strike here, but the visit is logged as one.
    """
    world, document = world_of(request), await _document(request)
    url = urlsplit(document["authorize_url"])
    tenant = unquote(url.path.split("/")[1])
    call = world.calls.begin(
        where="authorize",
        method="GET",
        raw_path=url.path,
        query=url.query,
        headers={},
        form={},
        person=document["person"],
        listener=request.state.connection.listener.name,
    )
    try:
        location = _location(world, tenant, url.query, world.people[document["person"]])
    except EntraError as error:
        call.status = error.status
        return JSONResponse({"error": f"AADSTS{error.code}: {error.text}"}, 400)
    finally:
        world.calls.end(call)
    call.status = 302
    return JSONResponse({"location": location})


def _location(world: World, tenant: str, query: str, person: Person) -> str:
    try:
        parsed = parse_request(world, tenant, dict(parse_qsl(query, keep_blank_values=True)))
    except RedirectedError as error:
        return error.location
    handle, page = open_page(world, parsed)
    del world.pages[handle]
    sign_in(world, page, person.key)
    prove(page)
    return accept(world, page)
