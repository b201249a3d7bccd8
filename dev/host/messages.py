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
class NullableString:
    value: str


@dataclass(slots=True)
class NullableBool:
    value: bool


@dataclass(slots=True)
class NullableDouble:
    value: float


@dataclass(slots=True)
class Timestamp:
    seconds: int


@dataclass(slots=True)
class NullableTimestamp:
    value: Timestamp


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
    domain: NullableString | None = None
    path: NullableString | None = None
    expires: NullableTimestamp | None = None
    secure: NullableBool | None = None
    http_only: NullableBool | None = None
    same_site: int = 0
    max_age: NullableDouble | None = None


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
class RpcFunctionMetadata:
    name: str
    function_id: str
    directory: str
    script_file: str
    entry_point: str
    language: str
    bindings: Mapping[str, BindingInfo]
    raw_bindings: Sequence[str]
    retry_options: object
    properties: Mapping[str, str]
    managed_dependency_enabled: bool
    is_proxy: bool


@dataclass(slots=True)
class WorkerInitResponse:
    capabilities: Mapping[str, str]
    worker_metadata: object
    result: StatusResult


@dataclass(slots=True)
class FunctionMetadataResponse:
    use_default_metadata_indexing: bool
    function_metadata_results: Sequence[RpcFunctionMetadata] | None
    result: StatusResult


@dataclass(slots=True)
class FunctionLoadResponse:
    function_id: str
    result: StatusResult


@dataclass(slots=True)
class StreamingMessage:
    """What the worker library is called with: `request` holds the message, `properties` what the proxy worker adds."""

    request: SimpleNamespace
    properties: Mapping[str, object] = field(default_factory=dict)


protos = SimpleNamespace(
    BindingInfo=BindingInfo,
    FunctionLoadResponse=FunctionLoadResponse,
    FunctionMetadataResponse=FunctionMetadataResponse,
    InvocationResponse=InvocationResponse,
    NullableBool=NullableBool,
    NullableDouble=NullableDouble,
    NullableString=NullableString,
    NullableTimestamp=NullableTimestamp,
    ParameterBinding=ParameterBinding,
    RpcException=RpcException,
    RpcFunctionMetadata=RpcFunctionMetadata,
    RpcHttp=RpcHttp,
    RpcHttpCookie=RpcHttpCookie,
    RpcRetryOptions=SimpleNamespace,
    StatusResult=StatusResult,
    Timestamp=Timestamp,
    TypedData=TypedData,
    WorkerInitResponse=WorkerInitResponse,
    WorkerMetadata=SimpleNamespace,
)
