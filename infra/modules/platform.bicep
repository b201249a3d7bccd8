// Everything but the app registration and the settings: identity, storage, vault, monitoring, grants, and the site.

@description('Region of every resource.')
param location string

@description('Beginning of the names: 3 to 11 letters and digits, a letter first.')
@minLength(3)
@maxLength(11)
param namePrefix string

@description('Memory of an instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int

@description('The most instances that each group of functions is scaled out to.')
param maximumInstanceCount int

@description('Instances that are always running for HTTP requests.')
param alwaysReadyInstances int

@description('Requests that one instance takes at a time.')
param perInstanceConcurrency int

@description('Days that log lines are kept.')
param logRetentionInDays int

@description('Address that alerts are sent to; empty for none.')
param alertEmailAddress string

@description('Redundancy of the sessions: Standard_ZRS, or Standard_LRS in a region without availability zones.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
param sessionAccountSku string

@description('Whether storage and vault are reached by private endpoints alone.')
param privateNetwork bool

@description('The origin that people see, where it is a custom domain; empty for the host name that Azure gives the site.')
param publicUrl string

@description('Tags of every resource.')
param tags object

var suffix = uniqueString(resourceGroup().id, namePrefix)
var vaultName = '${namePrefix}${suffix}'

// As the app understands PUBLIC_URL: Entra compares redirect URIs character by character.
var lower = toLower(trim(publicUrl))
var bare = endsWith(lower, '/') ? take(lower, length(lower) - 1) : lower
var given = endsWith(bare, ':443') ? take(bare, length(bare) - 4) : bare

module identity 'identity.bicep' = {
  name: 'identity'
  params: {
    location: location
    name: '${namePrefix}-identity'
    tags: tags
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    componentName: '${namePrefix}-insights'
    location: location
    retentionInDays: logRetentionInDays
    tags: tags
    workspaceName: '${namePrefix}-logs'
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    hostAccountName: take('${toLower(namePrefix)}h${suffix}', 24)
    location: location
    publicNetworkAccess: !privateNetwork
    sessionAccountName: take('${toLower(namePrefix)}s${suffix}', 24)
    sessionAccountSku: sessionAccountSku
    tags: tags
  }
}

module vault 'vault.bicep' = {
  name: 'vault'
  params: {
    location: location
    name: vaultName
    publicNetworkAccess: !privateNetwork
    tags: tags
  }
}

module network 'network.bicep' = if (privateNetwork) {
  name: 'network'
  params: {
    hostAccountName: storage.outputs.hostAccountName
    location: location
    namePrefix: namePrefix
    sessionAccountName: storage.outputs.sessionAccountName
    tags: tags
    vaultName: vault.outputs.name
  }
}

module roles 'roles.bicep' = {
  name: 'roles'
  params: {
    componentName: monitoring.outputs.componentName
    hostAccountName: storage.outputs.hostAccountName
    keyName: vault.outputs.keyName
    principalId: identity.outputs.principalId
    sessionAccountName: storage.outputs.sessionAccountName
    tableNames: storage.outputs.tableNames
    vaultName: vault.outputs.name
  }
}

module diagnostics 'diagnostics.bicep' = {
  name: 'diagnostics'
  params: {
    sessionAccountName: storage.outputs.sessionAccountName
    vaultName: vault.outputs.name
    workspaceId: monitoring.outputs.workspaceId
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    componentId: monitoring.outputs.componentId
    emailAddress: alertEmailAddress
    location: location
    namePrefix: namePrefix
    tags: tags
  }
}

module site 'site.bicep' = {
  name: 'site'
  params: {
    alwaysReadyInstances: alwaysReadyInstances
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    identityId: identity.outputs.id
    instanceMemoryMB: instanceMemoryMB
    location: location
    maximumInstanceCount: maximumInstanceCount
    perInstanceConcurrency: perInstanceConcurrency
    planName: '${namePrefix}-plan'
    siteName: '${namePrefix}-${take(suffix, 6)}'
    subnetId: privateNetwork ? network!.outputs.subnetId : ''
    tags: tags
  }
  dependsOn: [
    roles
  ]
}

@description('Name of the site: what `func azure functionapp publish` is told.')
output siteName string = site.outputs.name

@description('The origin that people see.')
output origin string = empty(given) ? 'https://${toLower(site.outputs.hostName)}' : given

@description('Client id of the identity.')
output identityClientId string = identity.outputs.clientId

@description('Object id of the identity.')
output identityPrincipalId string = identity.outputs.principalId

@description('Blob endpoint of the account of the Functions host.')
output hostBlobServiceUri string = storage.outputs.hostBlobServiceUri

@description('Table endpoint of the account with the sessions.')
output tableServiceUri string = storage.outputs.tableServiceUri

@description('The key that wraps the data keys, without a version.')
output sealingKeyId string = vault.outputs.keyId

@description('Where the host sends telemetry.')
output telemetryConnectionString string = monitoring.outputs.connectionString
