"""The platform's worker library, driven in this process.

The order of calls is the proxy worker's (Azure/azure-functions-python-worker workers/proxy_worker/dispatcher.py). The
library keeps the loaded app in module state, so one process serves one app.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import azure_functions_runtime as library

from dev.host.messages import (
    InvocationRequest,
    InvocationResponse,
    ParameterBinding,
    RpcException,
    RpcTraceContext,
    StatusResult,
    StreamingMessage,
    TypedData,
    protos,
)

_logger = logging.getLogger("dev.host")


class AppNotLoaded(Exception):
    """The library could not index the app: an import error, a bad decorator, a bad signature.

    `str` is its reason, `trace` its stack.
    """

    def __init__(self, failure: RpcException) -> None:
        super().__init__(failure.message)
        self.trace = failure.stack_trace


@dataclass(frozen=True, slots=True)
class Function:
    """One indexed function: its id for invocations and its trigger's binding as the decorator wrote it."""

    name: str
    function_id: str
    trigger_argument: str
    trigger: Mapping[str, Any]


def load(app_folder: Path) -> list[Function]:
    """Import and index the app of `app_folder`, as the worker does at its start. Raises AppNotLoaded.

    Makes the folder the working directory, as `func start` does; the folder comes first on sys.path, so that its
    function_app is found.
    """
    os.chdir(app_folder)
    packages = app_folder / ".python_packages" / "lib" / "site-packages"
    sys.path[:0] = [str(packages), str(app_folder)] if packages.is_dir() else [str(app_folder)]
    library.start_threadpool_executor()
    return asyncio.run(_load(app_folder))


async def _load(app_folder: Path) -> list[Function]:
    init = SimpleNamespace(capabilities={}, function_app_directory=str(app_folder))
    message = StreamingMessage(SimpleNamespace(worker_init_request=init), {"host": "127.0.0.1", "protos": protos})
    result: StatusResult = (await library.worker_init_request(message)).result
    if result.status != StatusResult.Success:
        raise AppNotLoaded(result.exception or RpcException("the worker gave no reason"))
    functions = []
    for metadata in (await library.functions_metadata_request(message)).function_metadata_results or ():
        request = SimpleNamespace(function_id=metadata.function_id)
        await library.function_load_request(StreamingMessage(SimpleNamespace(function_load_request=request)))
        for binding in map(json.loads, metadata.raw_bindings):
            if binding["type"].endswith("Trigger"):
                functions.append(Function(metadata.name, metadata.function_id, binding["name"], binding))
    return functions


async def invoke(
    function: Function, data: TypedData, trace_parent: str, trigger_metadata: Mapping[str, TypedData] | None = None
) -> InvocationResponse:
    """Run `function` on one value. A failure is a response whose result says so (logged here), never an exception."""
    call = InvocationRequest(
        str(uuid4()),
        function.function_id,
        (ParameterBinding(function.trigger_argument, data),),
        RpcTraceContext(trace_parent),
        trigger_metadata or {},
    )
    response: InvocationResponse = await library.invocation_request(
        StreamingMessage(SimpleNamespace(invocation_request=call))
    )
    if response.result.status != StatusResult.Success:
        failure = response.result.exception or RpcException("the worker gave no reason")
        _logger.error("Function '%s' failed: %s", function.name, failure.message, extra={"stack": failure.stack_trace})
    return response
