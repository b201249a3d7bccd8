"""What this project demands of its templates, as data and the few rules that read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from dev.bicep.syntax import Declaration, Fault, Source, properties, text_of, value_of, walk
from dev.bicep.wire_names import resource_types

# https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
REFUSED_SETTINGS = re.compile(
    "FUNCTIONS_WORKER_RUNTIME(_VERSION)?|FUNCTIONS_EXTENSION_VERSION|FUNCTIONS_WORKER_PROCESS_COUNT|"
    "FUNCTIONS_MAX_HTTP_CONCURRENCY|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD|WEBSITE_RUN_FROM_PACKAGE|"
    "WEBSITE_CONTENT.*|WEBSITE_VNET_ROUTE_ALL|WEBSITE_DNS_SERVER|WEBSITE_TIME_ZONE|TZ"
)
REFUSED_PROPERTIES = frozenset({"alwaysOn", "linuxFxVersion", "isReserved", "ftpsState", "functionAppScaleLimit"})

# Settings of the host and of the worker, beside those that the app itself reads.
PLATFORM_SETTINGS = frozenset(
    {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AZURE_CLIENT_ID",
        "AzureWebJobsDisableHomepage",
        "AzureWebJobsStorage__blobServiceUri",
        "AzureWebJobsStorage__clientId",
        "AzureWebJobsStorage__credential",
        "PYTHON_THREADPOOL_THREAD_COUNT",
    }
)
# The app reads these too, but a deployment must not have them: they are secrets, for a laptop, or better left alone.
NOT_DEPLOYED = frozenset(
    {"ENTRA_CLIENT_SECRET", "SESSION_STORE", "SEALING_KEY", "SESSION_COOKIE_NAME", "LOCAL_CA_FILE"}
)

# Built-in role -> the declared resources it may be given on.
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES: Mapping[str, frozenset[str]] = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": frozenset({"hostAccount"}),  # Storage Blob Data Owner
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": frozenset({"tables"}),  # Storage Table Data Contributor
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": frozenset({"key"}),  # Key Vault Crypto Service Encryption User
    "3913510d-42f4-4e42-8a64-420c390055eb": frozenset({"component"}),  # Monitoring Metrics Publisher
}
ROLES_FILE = "modules/roles.bicep"

# Type -> path of property -> what must be written there.
DEMANDED: Mapping[str, Mapping[str, str]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowBlobPublicAccess": "false",
        "properties.allowCrossTenantReplication": "false",
        "properties.allowSharedKeyAccess": "false",
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": "true",
    },
    "Microsoft.KeyVault/vaults": {
        "properties.enablePurgeProtection": "true",
        "properties.enableRbacAuthorization": "true",
    },
    "Microsoft.Web/sites": {
        "properties.functionAppConfig.deployment.storage.authentication.type": "UserAssignedIdentity",
        "properties.functionAppConfig.scaleAndConcurrency.maximumInstanceCount": "maximumInstanceCount",
        "properties.httpsOnly": "true",
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": "false"},
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": "true"},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": "true"},
}
# Type -> nested resources, by type and name, without which it would be open.
NESTED: Mapping[str, frozenset[tuple[str, str]]] = {
    "Microsoft.Web/sites": frozenset(
        {("basicPublishingCredentialsPolicies", "ftp"), ("basicPublishingCredentialsPolicies", "scm")}
    ),
}
_SECRETS = re.compile(
    r"\blist(Keys|Secrets|AccountSas|ServiceSas|Credentials)\w*\s*\(|\baccountKey\b|passwordCredentials"
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HTTP_LOGS = frozenset({"AppServiceHTTPLogs", "FunctionAppHTTPLogs", "allLogs", "StorageRead"})


def policy_faults(sources: Mapping[str, Source], app_settings: frozenset[str]) -> Iterator[Fault]:
    """Every breach. `app_settings` are those that the app reads."""
    versions: dict[str, str] = {}
    for source in sources.values():
        yield from _secrets(source)
        yield from _refused(source)
        for declaration in source.declarations():
            if declaration.kind == "resource":
                yield from _version(source, declaration, versions)
        yield from _demands(source)
        yield from _nested(source)
        yield from _roles(source)
        yield from _settings(source, app_settings)


def _secrets(source: Source) -> Iterator[Fault]:
    for number, line in enumerate(source.text.splitlines(), 1):
        found = _SECRETS.search(line)
        if found and not line.lstrip().startswith("//"):
            yield Fault(source.name, number, f"no key, secret or signature may be read: {found[0]}")


def _refused(source: Source) -> Iterator[Fault]:
    for node in walk(source.root):
        if node.type != "object_property":
            continue
        name = text_of(node.children[0])
        if REFUSED_SETTINGS.fullmatch(name):
            yield source.fault(node, f"Flex Consumption refuses or ignores the setting {name}")
        if name == "cors":
            yield source.fault(node, "no other origin may call the app: cors")
        if name in REFUSED_PROPERTIES:
            yield source.fault(node, f"Flex Consumption refuses or ignores the property {name}")
        value = node.children[-1]
        if name in ("category", "categoryGroup") and text_of(value) in _HTTP_LOGS:
            yield source.fault(node, f"the log {text_of(value)} writes down addresses with their query strings")


def _version(source: Source, resource: Declaration, versions: dict[str, str]) -> Iterator[Fault]:
    kind, _, version = resource.quoted.partition("@")
    family = kind if kind.count("/") == 1 else "/".join(kind.split("/")[:2])
    if not version or family.startswith("Microsoft.Graph/"):
        return
    known = versions.setdefault(family, version)
    if version != known:
        yield source.fault(resource.node, f"{family} is used in two versions, {known} and {version}")


def _demands(source: Source) -> Iterator[Fault]:
    types = resource_types(source)
    variables = {known.name: known.body for known in source.declarations() if known.kind == "var"}
    for declaration in source.declarations():
        if declaration.is_existing:
            continue
        for path, wanted in DEMANDED.get(types.get(declaration.node.id, ""), {}).items():
            first, *rest = path.split(".")
            found = value_of(declaration.body, first)
            if found is not None and found.type == "identifier":
                found = variables.get(text_of(found))
            found = value_of(found, *rest)
            if found is None or text_of(found) != wanted:
                yield source.fault(declaration.node, f"{declaration.name}: {path} must be {wanted}")


def _nested(source: Source) -> Iterator[Fault]:
    types = resource_types(source)
    for declaration in source.declarations():
        if declaration.is_existing:
            continue
        inside = [Declaration("resource", "", node) for node in walk(declaration.node) if node.id in types]
        names = {(known.quoted, text_of(named)) for known in inside if (named := value_of(known.body, "name"))}
        for kind, name in sorted(NESTED.get(types.get(declaration.node.id, ""), frozenset()) - names):
            yield source.fault(declaration.node, f"{declaration.name} has no {kind} named {name}")


def _roles(source: Source) -> Iterator[Fault]:
    variables = {known.name: text_of(known.node.children[-1]) for known in source.declarations() if known.kind == "var"}
    if source.name == ROLES_FILE:
        for role in sorted(ROLES.keys() - set(variables.values())):
            yield Fault(source.name, 1, f"the role {role} is given to nobody")
    for declaration in source.declarations():
        if not declaration.quoted.startswith("Microsoft.Authorization/roleAssignments@"):
            continue
        if source.name != ROLES_FILE:
            yield source.fault(declaration.node, f"role assignments belong in {ROLES_FILE}")
        role = _role(value_of(declaration.body, "properties", "roleDefinitionId"), variables)
        scope = value_of(declaration.body, "scope")
        target = re.findall(r"\w+", re.sub(r"\[.*?\]", "", text_of(scope)))[-1] if scope is not None else "everything"
        if role not in ROLES:
            yield source.fault(declaration.node, f"the role {role or 'without an id'} is not among the allowed ones")
        elif target not in ROLES[role]:
            yield source.fault(declaration.node, f"this role may not be given on {target}")


def _role(value: Node | None, variables: Mapping[str, str]) -> str:
    """The role's id, written out or in a variable."""
    if value is None:
        return ""
    text = text_of(value)
    written = _GUID.search(text)
    if written:
        return written[0]
    return next((known for name, known in variables.items() if re.search(rf"\b{name}\b", text)), "")


def _settings(source: Source, app_settings: frozenset[str]) -> Iterator[Fault]:
    """The settings of the site are exactly what the app and the platform read."""
    for declaration in source.declarations():
        name = value_of(declaration.body, "name") if declaration.kind == "resource" else None
        if name is None or text_of(name) != "appsettings":
            continue
        body = value_of(declaration.body, "properties")
        written = {known for known, _, _ in properties(body)} if body is not None else set()
        wanted = (app_settings - NOT_DEPLOYED) | PLATFORM_SETTINGS
        for missing in sorted(wanted - written):
            yield source.fault(declaration.node, f"the setting {missing} is missing")
        for known, node, _ in properties(body) if body is not None else ():
            if known not in wanted and not REFUSED_SETTINGS.fullmatch(known):
                yield source.fault(node, f"nobody reads the setting {known}")
