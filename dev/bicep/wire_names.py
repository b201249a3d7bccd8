"""Property names and enumerations, by the wire names in Microsoft's own Python packages.

`types.py` of azure-mgmt-web, -storage, -keyvault and -network describes each object of one API version as a TypedDict,
and the one in this folder those objects that they leave out. They are read, not imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tree_sitter import Node

from dev.bicep.syntax import Declaration, Fault, Source, properties, text_of

_HERE = "dev.bicep"
# Resource type, without its version: package and class. A child resource is named with its parents' types.
RESOURCES: Mapping[str, tuple[str, str]] = {
    "Microsoft.Web/serverfarms": ("azure.mgmt.web", "AppServicePlan"),
    "Microsoft.Web/sites": ("azure.mgmt.web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": (
        "azure.mgmt.web",
        "CsmPublishingCredentialsPoliciesEntity",
    ),
    "Microsoft.Storage/storageAccounts": ("azure.mgmt.storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("azure.mgmt.storage", "BlobContainer"),
    "Microsoft.KeyVault/vaults": ("azure.mgmt.keyvault", "VaultCreateOrUpdateParameters"),
    "Microsoft.KeyVault/vaults/keys": ("azure.mgmt.keyvault", "KeyCreateParameters"),
    "Microsoft.Storage/storageAccounts/tableServices/tables": ("azure.mgmt.storage", "Table"),
    "Microsoft.Network/virtualNetworks": ("azure.mgmt.network", "VirtualNetwork"),
    "Microsoft.Network/privateEndpoints": ("azure.mgmt.network", "PrivateEndpoint"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": ("azure.mgmt.network", "PrivateDnsZoneGroup"),
    "Microsoft.Network/privateDnsZones": (_HERE, "PrivateDnsZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (_HERE, "VirtualNetworkLink"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (_HERE, "UserAssignedIdentity"),
    "Microsoft.Authorization/roleAssignments": (_HERE, "RoleAssignment"),
    "Microsoft.OperationalInsights/workspaces": (_HERE, "Workspace"),
    "Microsoft.Insights/components": (_HERE, "Component"),
    "Microsoft.Insights/diagnosticSettings": (_HERE, "DiagnosticSetting"),
    "Microsoft.Insights/actionGroups": (_HERE, "ActionGroup"),
    "Microsoft.Insights/scheduledQueryRules": (_HERE, "ScheduledQueryRule"),
    "Microsoft.Graph/applications": (_HERE, "Application"),
    "Microsoft.Graph/applications/federatedIdentityCredentials": (_HERE, "FederatedIdentityCredential"),
    "Microsoft.Graph/servicePrincipals": (_HERE, "ServicePrincipal"),
}
UNDESCRIBED = frozenset(
    {
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.Storage/storageAccounts/blobServices",
        "Microsoft.Storage/storageAccounts/tableServices",
        "Microsoft.Web/sites/config",  # its properties are the settings, which the policy knows
    }
)
"""Types that are used with a name and nothing else."""
_OF_BICEP = frozenset({"name", "parent", "scope", "dependsOn"})
_KNOWN_VALUES = re.compile(r"Known\s+values\s+are:\s+(.*?)(?=\n\s*:|\Z)", re.DOTALL)


@dataclass
class Shape:
    """One TypedDict: its properties with their annotations, those that must be there, the values of enumerations."""

    name: str
    properties: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    values: dict[str, frozenset[str]] = field(default_factory=dict)


@cache
def shapes(package: str) -> dict[str, Shape]:
    """Every TypedDict of a package's types.py, with what it inherits. Raises LookupError without the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"{package} is not installed")
    source = (Path(spec.submodule_search_locations[0]) / "types.py").read_text(encoding="utf-8")
    found: dict[str, Shape] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = _shape(node, found)
    return found


def _shape(node: ast.ClassDef, known: Mapping[str, Shape]) -> Shape:
    shape = Shape(node.name)
    for base in node.bases:
        inherited = known.get(base.id) if isinstance(base, ast.Name) else None
        if inherited:
            shape.properties |= inherited.properties
            shape.required |= inherited.required
            shape.values |= inherited.values
    wire = None
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            wire = item.target.id
            _property(shape, wire, item.annotation)
        elif wire and isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant):
            values = _KNOWN_VALUES.search(str(item.value.value))
            if values:
                shape.values[wire] = frozenset(re.findall(r'"([^"]+)"', values[1]))
    return shape


def _property(shape: Shape, name: str, annotation: ast.expr) -> None:
    text = ast.unparse(annotation)
    shape.properties[name] = text
    if text.startswith("Required["):
        shape.required.add(name)
    literal = re.search(r"Literal\[([^]]*)\]", text)
    if literal:
        shape.values[name] = frozenset(re.findall(r"'([^']+)'", literal[1]))


def wire_faults(source: Source) -> Iterator[Fault]:
    """Properties that the resource type does not have, and values that its enumerations do not have."""
    types = resource_types(source)
    for declaration in source.declarations():
        type_name = types.get(declaration.node.id, "")
        known = RESOURCES.get(type_name)
        if known is None or declaration.is_existing or declaration.body is None:
            if declaration.kind == "resource" and known is None and type_name not in UNDESCRIBED:
                yield source.fault(declaration.node, f"no such resource type is described here: {type_name}")
            continue
        package, name = known
        yield from _object(source, declaration.body, name, shapes(package), top=True)


def resource_types(source: Source) -> dict[int, str]:
    """The full type of each resource, without its version: a nested one is below what it stands in."""
    found: dict[int, str] = {}

    def visit(node: Node, above: str) -> None:
        if node.type == "resource_declaration":
            own = Declaration("resource", "", node).quoted.partition("@")[0]
            above = f"{above}/{own}" if above else own
            found[node.id] = above
        for inner in node.children:
            visit(inner, above)

    visit(source.root, "")
    return found


def _object(source: Source, body: Node, name: str, known: Mapping[str, Shape], *, top: bool = False) -> Iterator[Fault]:
    shape = known.get(name)
    if shape is None:
        return
    written_names = {written for written, _, _ in properties(body)}
    for missing in sorted(shape.required - written_names - (_OF_BICEP if top else set())):
        yield source.fault(body, f"{missing} of {name} is missing")
    for written, node, value in properties(body):
        if (top and written in _OF_BICEP) or node.children[0].type == "string":
            continue
        if written not in shape.properties:
            yield source.fault(node, f"no such property of {name}: {written}")
        elif value is not None:
            yield from _value(source, value, written, shape, known)


def _value(source: Source, value: Node, written: str, shape: Shape, known: Mapping[str, Shape]) -> Iterator[Fault]:
    allowed = shape.values.get(written)
    if allowed and value.type == "string" and "${" not in text_of(value) and text_of(value) not in allowed:
        yield source.fault(value, f"{written} of {shape.name} is one of {', '.join(sorted(allowed))}")
    inner = re.findall(r"[A-Z]\w+", shape.properties[written].replace("Union", ""))
    for name in inner:
        for part in _objects(source, value):
            yield from _object(source, part, name, known)


def _objects(source: Source, value: Node) -> Iterator[Node]:
    """The objects that a value is, or may be: itself, a variable's, the items of an array, the branches of a choice."""
    if value.type == "object":
        yield value
    elif value.type == "identifier":
        declared = next((known for known in source.declarations() if known.name == text_of(value)), None)
        if declared is not None and declared.kind == "var" and declared.body is not None:
            yield declared.body
    elif value.type in ("array", "ternary_expression"):
        for inner in value.children:
            yield from _objects(source, inner)
