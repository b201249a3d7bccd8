"""What templates read of resources that are there, and of the functions that describe the deployment: a closed list.

A name that is not on it is misspelt, or is something that nobody has thought about yet, like a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from dev.bicep.syntax import Fault, Source, text_of
from dev.bicep.wire_names import resource_types

_OF_EVERY = frozenset({"id", "name"})
_OF_TYPES: Mapping[str, frozenset[str]] = {
    "Microsoft.Graph/applications": frozenset({"appId", "uniqueName"}),
    "Microsoft.Insights/components": frozenset({"properties.ConnectionString"}),
    "Microsoft.KeyVault/vaults/keys": frozenset({"properties.keyUri"}),
    "Microsoft.ManagedIdentity/userAssignedIdentities": frozenset({"properties.clientId", "properties.principalId"}),
    "Microsoft.Storage/storageAccounts": frozenset(
        {"properties.primaryEndpoints.blob", "properties.primaryEndpoints.table"}
    ),
    "Microsoft.Web/sites": frozenset({"properties.defaultHostName"}),
}
# https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions-deployment
_OF_FUNCTIONS = frozenset(
    {
        "environment().authentication.loginEndpoint",
        "environment().suffixes.keyvaultDns",
        "environment().suffixes.storage",
        "resourceGroup().id",
        "resourceGroup().location",
        "tenant().tenantId",
    }
)
_OF_RESOURCE = re.compile(r"(?:\w+::)*(\w+)(?:\[\w+\])?!?\.([\w.]+)")


def reading_faults(source: Source) -> Iterator[Fault]:
    """Whatever is read and is not on the list."""
    by_node = resource_types(source)
    types = {known.name: by_node[known.node.id] for known in source.declarations() if known.node.id in by_node}
    for node in _outermost(source.root):
        text = re.sub(r"\s+", "", text_of(node))
        found = _OF_RESOURCE.fullmatch(text)
        if re.match(r"\w+\(\)\.", text) and text not in _OF_FUNCTIONS:
            yield source.fault(node, f"{text} is not on the list of what is read")
        elif found and found[1] in types:
            kind = types[found[1]]
            if found[2] not in _OF_EVERY | _OF_TYPES.get(kind, frozenset()):
                yield source.fault(node, f"{found[2]} of {kind} is not on the list of what is read")


def _outermost(node: Node) -> Iterator[Node]:
    """Every chain of dots as a whole."""
    if node.type == "member_expression":
        yield node
        return
    for inner in node.children:
        yield from _outermost(inner)
