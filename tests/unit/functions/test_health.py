"""GET, HEAD health/live and health/ready: what they promise, and what they do not tell strangers."""

from __future__ import annotations

import pytest

import function_app
from shared.services import Services
from tests.fakes.build import config
from tests.fakes.site import Seen, Site, request, routes
from tests.fakes.store import UNAVAILABLE


def with_wrong_settings(route: str, method: str = "GET") -> Seen:
    def factory() -> Services:
        raise AssertionError(config(PUBLIC_URL="http://secret.example", SEALING_KEY="secret"))

    function_app.services.use(factory)
    return Seen.of(routes()[method, route](request(method, f"https://mail.example.org/{route}")))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_live_is_200_whatever_the_settings(method: str) -> None:
    answer = with_wrong_settings("health/live", method)
    assert (answer.status, answer.json()) == (200, {"status": "live"})


def test_live_asks_nobody() -> None:
    site = Site()
    site.ask("GET", "/health/live")
    assert site.store.calls == []
    assert site.network.requests == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ready_is_200_where_storage_answers(method: str) -> None:
    site = Site()
    answer = site.ask(method, "/health/ready")
    assert (answer.status, answer.json()) == (200, {"status": "ready"})
    assert [call.operation for call in site.store.calls] == ["read"]
    assert site.network.requests == []


def test_ready_names_storage_where_it_is_what_fails() -> None:
    site = Site()
    site.store.script("read", UNAVAILABLE)
    answer = site.ask("GET", "/health/ready")
    assert (answer.status, answer.code, answer.header("Retry-After")) == (503, "storage_unavailable", "5")
    assert "table" in answer.json()["detail"]
    assert site.ask("GET", "/health/ready").status == 200


def test_ready_names_the_wrong_settings_locally_and_never_a_value() -> None:
    answer = with_wrong_settings("health/ready")
    assert (answer.status, answer.code) == (503, "not_configured")
    assert "PUBLIC_URL must" in answer.json()["detail"]
    assert "SEALING_KEY must" in answer.json()["detail"]
    assert "secret" not in answer.text


def test_other_routes_name_no_setting() -> None:
    answer = with_wrong_settings("auth/me")
    assert (answer.status, answer.code) == (503, "not_configured")
    assert "PUBLIC_URL" not in answer.text
