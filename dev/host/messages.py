"""The messages between host and worker, in the shape of the worker's protobuf classes but without protobuf.

Names and fields are those of FunctionRpc.proto (Azure/azure-functions-language-worker-protobuf); only what
azure-functions-runtime reads or makes exists here. Every class takes keyword arguments, as generated protobuf classes
do. `protos` is what the library is handed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace


class TypedData:
    """A value with the name of its kind: `bytes`, `string`, `json`, `http`, ...; without one it is unset."""

    __slots__ = ("kind", "value")

    def __init__(self, **one: object) -> None:
        self.kind: str | None = None
        self.value: object = None
        for self.kind, self.value in one.items():
            pass

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 (protobuf's name)
        return self.kind

    def __getattr__(self, name: str) -> object:
        if name == self.kind:
            return self.value
        raise AttributeError(name)


@dataclass(slots=True)
class Nullable[T]:
    """NullableString, NullableBool, NullableDouble, NullableTimestamp: a value that could also be absent, as None."""

    value: T


@dataclass(slots=True)
class Timestamp:
    seconds: int


class SameSite:
    """RpcHttpCookie.SameSite: `None` is "nothing said", `ExplicitNone` is SameSite=None."""

    Lax = 1
    Strict = 2
    ExplicitNone = 3


setattr(SameSite, "None", 0)  # a keyword in Python, so it cannot be written in the class body


@dataclass(slots=True)
class RpcHttpCookie:
    SameSite = SameSite

    name: str
    value: str
    domain: Nullable[str] | None = None
    path: Nullable[str] | None = None
    expires: Nullable[Timestamp] | None = None
    secure: Nullable[bool] | None = None
    http_only: Nullable[bool] | None = None
    same_site: int = 0
    max_age: Nullable[float] | None = None


@dataclass(slots=True)
class RpcHttp:
    """A request (url, headers, query, params, body) or a response (status_code, headers, cookies, body)."""

    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: TypedData | None = None
    status_code: str = ""
    cookies: Sequence[RpcHttpCookie] | None = None
    enable_content_negotiation: bool = False


class ParameterBinding:
    """A named argument of an invocation."""

    __slots__ = ("data", "name")

    def __init__(self, name: str, data: TypedData) -> None:
        self.name = name
        self.data = data

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 (protobuf's name)
        return "data"


@dataclass(slots=True)
class RpcTraceContext:
    trace_parent: str
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class RetryContext:
    """protobuf's defaults: what the host sends where no retry policy is active
    (ScriptInvocationContextExtensions.cs).
    """

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


NO_RETRY = RetryContext()


@dataclass(slots=True)
class InvocationRequest:
    invocation_id: str
    function_id: str
    input_data: Sequence[ParameterBinding]
    trace_context: RpcTraceContext
    trigger_metadata: Mapping[str, TypedData] = field(default_factory=dict)
    retry_context: RetryContext = NO_RETRY


@dataclass(slots=True)
class RpcException:
    message: str = ""
    stack_trace: str = ""
    source: str = ""


@dataclass(slots=True)
class StatusResult:
    Success = "Success"
    Failure = "Failure"

    status: str
    exception: RpcException | None = None


@dataclass(slots=True)
class InvocationResponse:
    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: Sequence[ParameterBinding] = ()


@dataclass(slots=True)
class BindingInfo:
    undefined = -1
    out = 1
    inout = 2

    type: str
    data_type: int | None
    direction: int


setattr(BindingInfo, "in", 0)  # a keyword in Python, so it cannot be written in the class body


@dataclass(slots=True)
class StreamingMessage:
    """What the worker library is called with: `request` holds the message, `properties` what the proxy worker adds."""

    request: SimpleNamespace
    properties: Mapping[str, object] = field(default_factory=dict)


# What the library makes only while it loads an app needs no class of its own.
protos = SimpleNamespace(
    BindingInfo=BindingInfo,
    FunctionLoadResponse=SimpleNamespace,
    FunctionMetadataResponse=SimpleNamespace,
    InvocationResponse=InvocationResponse,
    NullableBool=Nullable,
    NullableDouble=Nullable,
    NullableString=Nullable,
    NullableTimestamp=Nullable,
    ParameterBinding=ParameterBinding,
    RpcException=RpcException,
    RpcFunctionMetadata=SimpleNamespace,
    RpcHttp=RpcHttp,
    RpcHttpCookie=RpcHttpCookie,
    RpcRetryOptions=SimpleNamespace,
    StatusResult=StatusResult,
    Timestamp=Timestamp,
    TypedData=TypedData,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
)
