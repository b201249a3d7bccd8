"""Resource types that none of the installed packages describes, in the way of those that do.

Read as data, not imported. https://learn.microsoft.com/azure/templates/ and
https://learn.microsoft.com/graph/templates/bicep/reference/applications
"""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict

type Tags = dict[str, str]


class UserAssignedIdentity(TypedDict, total=False):
    location: Required[str]
    tags: Tags


class RoleAssignment(TypedDict, total=False):
    properties: Required[RoleAssignmentProperties]


class RoleAssignmentProperties(TypedDict, total=False):
    condition: str
    conditionVersion: str
    delegatedManagedIdentityResourceId: str
    description: str
    principalId: Required[str]
    principalType: Literal["Device", "ForeignGroup", "Group", "ServicePrincipal", "User"]
    roleDefinitionId: Required[str]


class Workspace(TypedDict, total=False):
    location: Required[str]
    properties: WorkspaceProperties
    tags: Tags


class WorkspaceProperties(TypedDict, total=False):
    features: WorkspaceFeatures
    publicNetworkAccessForIngestion: Literal["Disabled", "Enabled"]
    publicNetworkAccessForQuery: Literal["Disabled", "Enabled"]
    retentionInDays: int
    sku: WorkspaceSku
    workspaceCapping: dict[str, Any]


class WorkspaceFeatures(TypedDict, total=False):
    disableLocalAuth: bool
    enableDataExport: bool
    enableLogAccessUsingOnlyResourcePermissions: bool
    immediatePurgeDataOn30Days: bool


class WorkspaceSku(TypedDict, total=False):
    capacityReservationLevel: int
    name: Required[Literal["CapacityReservation", "Free", "LACluster", "PerGB2018", "PerNode", "Standalone"]]


class Component(TypedDict, total=False):
    kind: Required[str]
    location: Required[str]
    properties: ComponentProperties
    tags: Tags


class ComponentProperties(TypedDict, total=False):
    Application_Type: Required[Literal["other", "web"]]
    DisableIpMasking: bool
    DisableLocalAuth: bool
    IngestionMode: Literal["ApplicationInsights", "ApplicationInsightsWithDiagnosticSettings", "LogAnalytics"]
    RetentionInDays: int
    SamplingPercentage: int
    WorkspaceResourceId: str
    publicNetworkAccessForIngestion: Literal["Disabled", "Enabled"]
    publicNetworkAccessForQuery: Literal["Disabled", "Enabled"]


class DiagnosticSetting(TypedDict, total=False):
    properties: DiagnosticSettingProperties


class DiagnosticSettingProperties(TypedDict, total=False):
    eventHubAuthorizationRuleId: str
    eventHubName: str
    logAnalyticsDestinationType: str
    logs: list[LogSetting]
    metrics: list[LogSetting]
    storageAccountId: str
    workspaceId: str


class LogSetting(TypedDict, total=False):
    category: str
    categoryGroup: str
    enabled: Required[bool]


class ActionGroup(TypedDict, total=False):
    location: Required[str]
    properties: ActionGroupProperties
    tags: Tags


class ActionGroupProperties(TypedDict, total=False):
    armRoleReceivers: list[dict[str, Any]]
    emailReceivers: list[EmailReceiver]
    enabled: Required[bool]
    groupShortName: Required[str]
    smsReceivers: list[dict[str, Any]]
    webhookReceivers: list[dict[str, Any]]


class EmailReceiver(TypedDict, total=False):
    emailAddress: Required[str]
    name: Required[str]
    useCommonAlertSchema: bool


class ScheduledQueryRule(TypedDict, total=False):
    kind: Literal["LogAlert", "LogToMetric"]
    location: Required[str]
    properties: Required[ScheduledQueryRuleProperties]
    tags: Tags


class ScheduledQueryRuleProperties(TypedDict, total=False):
    actions: RuleActions
    autoMitigate: bool
    criteria: RuleCriteria
    description: str
    displayName: str
    enabled: bool
    evaluationFrequency: str
    muteActionsDuration: str
    overrideQueryTimeRange: str
    scopes: list[str]
    severity: int
    skipQueryValidation: bool
    targetResourceTypes: list[str]
    windowSize: str


class RuleActions(TypedDict, total=False):
    actionGroups: list[str]
    customProperties: dict[str, str]


class RuleCriteria(TypedDict, total=False):
    allOf: list[RuleCondition]


class RuleCondition(TypedDict, total=False):
    dimensions: list[dict[str, Any]]
    failingPeriods: FailingPeriods
    metricMeasureColumn: str
    operator: Literal["Equals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual"]
    query: str
    resourceIdColumn: str
    threshold: int
    timeAggregation: Literal["Average", "Count", "Maximum", "Minimum", "Total"]


class FailingPeriods(TypedDict, total=False):
    minFailingPeriodsToAlert: int
    numberOfEvaluationPeriods: int


class PrivateDnsZone(TypedDict, total=False):
    location: Required[str]
    tags: Tags


class VirtualNetworkLink(TypedDict, total=False):
    location: Required[str]
    properties: VirtualNetworkLinkProperties
    tags: Tags


class VirtualNetworkLinkProperties(TypedDict, total=False):
    registrationEnabled: bool
    resolutionPolicy: Literal["Default", "NxDomainRedirect"]
    virtualNetwork: Reference


class Reference(TypedDict, total=False):
    id: Required[str]


class Application(TypedDict, total=False):
    api: ApiApplication
    description: str
    displayName: Required[str]
    identifierUris: list[str]
    optionalClaims: OptionalClaims
    owners: dict[str, Any]
    requiredResourceAccess: list[RequiredResourceAccess]
    serviceManagementReference: str
    signInAudience: Literal[
        "AzureADMultipleOrgs", "AzureADMyOrg", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"
    ]
    uniqueName: Required[str]
    web: WebApplication


class ApiApplication(TypedDict, total=False):
    requestedAccessTokenVersion: int


class OptionalClaims(TypedDict, total=False):
    accessToken: list[OptionalClaim]
    idToken: list[OptionalClaim]
    saml2Token: list[OptionalClaim]


class OptionalClaim(TypedDict, total=False):
    additionalProperties: list[str]
    essential: bool
    name: Required[str]
    source: str


class RequiredResourceAccess(TypedDict, total=False):
    resourceAccess: Required[list[ResourceAccess]]
    resourceAppId: Required[str]


class ResourceAccess(TypedDict, total=False):
    id: Required[str]
    type: Required[Literal["Role", "Scope"]]


class WebApplication(TypedDict, total=False):
    homePageUrl: str
    implicitGrantSettings: ImplicitGrantSettings
    logoutUrl: str
    redirectUris: list[str]


class ImplicitGrantSettings(TypedDict, total=False):
    enableAccessTokenIssuance: bool
    enableIdTokenIssuance: bool


class FederatedIdentityCredential(TypedDict, total=False):
    audiences: Required[list[str]]
    description: str
    issuer: Required[str]
    subject: Required[str]


class ServicePrincipal(TypedDict, total=False):
    appId: Required[str]
    appRoleAssignmentRequired: bool
    displayName: str
