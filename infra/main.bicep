// The whole app, its registration in Entra ID included. Where another team owns registrations, deploy
// main-existing-application.bicep instead.

targetScope = 'resourceGroup'

@description('Region of every resource.')
param location string = resourceGroup().location

@description('Beginning of the names: 3 to 11 letters and digits, a letter first.')
@minLength(3)
@maxLength(11)
param namePrefix string = 'drawbridge'

@description('Sign-in authority: the login host of the cloud, then a tenant id, or organizations, common, consumers.')
param authority string = '${environment().authentication.loginEndpoint}organizations'

@description('Tenant ids that may sign in, comma-separated. `*` must be typed: it lets in everybody that the authority does.')
param allowedTenants string = tenant().tenantId

@description('Microsoft Graph of the cloud, with its version.')
param graphEndpoint string = 'https://graph.microsoft.com/v1.0'

@description('Delegated permissions that everybody is asked for, separated by spaces.')
param graphScopes string = 'User.Read Mail.Read'

@description('Delegated permissions that a person may be asked for later, separated by spaces.')
param graphOptionalScopes string = ''

@description('The origin that people see, where it is a custom domain; empty for the host name that Azure gives the site.')
param publicUrl string = ''

@description('Longest life of a session in seconds.')
param sessionMaxAge int = 604800

@description('Seconds without use after which a session ends.')
param sessionIdleTimeout int = 86400

@description('Memory of an instance in MB: 512, 2048 or 4096.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('The most instances that each group of functions is scaled out to: the ceiling of a bill.')
param maximumInstanceCount int = 40

@description('Instances that are always running for HTTP requests, each billed around the clock.')
param alwaysReadyInstances int = 0

@description('Requests that one instance takes at a time; the worker has as many threads.')
param perInstanceConcurrency int = 64

@description('Days that log lines are kept.')
param logRetentionInDays int = 30

@description('Address that alerts are sent to; empty for none.')
param alertEmailAddress string = ''

@description('Redundancy of the sessions: Standard_ZRS, or Standard_LRS in a region without availability zones.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
param sessionAccountSku string = 'Standard_ZRS'

@description('Whether storage and vault are reached by private endpoints alone.')
param privateNetwork bool = false

@description('Tags of every resource.')
param tags object = {}

@description('Key of the app registration, unique in the tenant and never to be changed.')
param applicationUniqueName string = '${namePrefix}-${uniqueString(resourceGroup().id)}'

@description('The name that people see when they are asked for consent.')
param applicationDisplayName string = 'Drawbridge'

@description('Who may sign in: AzureADMyOrg, AzureADMultipleOrgs or AzureADandPersonalMicrosoftAccount. Must suit `authority`.')
@allowed([
  'AzureADMyOrg'
  'AzureADMultipleOrgs'
  'AzureADandPersonalMicrosoftAccount'
])
param signInAudience string = 'AzureADMultipleOrgs'

@description('Redirect URIs beside the app\'s own. A deployment removes all that are not named.')
param extraRedirectUris array = []

module platform 'modules/platform.bicep' = {
  name: 'platform'
  params: {
    alertEmailAddress: alertEmailAddress
    alwaysReadyInstances: alwaysReadyInstances
    instanceMemoryMB: instanceMemoryMB
    location: location
    logRetentionInDays: logRetentionInDays
    maximumInstanceCount: maximumInstanceCount
    namePrefix: namePrefix
    perInstanceConcurrency: perInstanceConcurrency
    privateNetwork: privateNetwork
    publicUrl: publicUrl
    sessionAccountSku: sessionAccountSku
    tags: tags
  }
}

module application 'modules/application.bicep' = {
  name: 'application'
  params: {
    displayName: applicationDisplayName
    extraRedirectUris: extraRedirectUris
    identityPrincipalId: platform.outputs.identityPrincipalId
    publicUrl: platform.outputs.origin
    signInAudience: signInAudience
    uniqueName: applicationUniqueName
  }
}

module settings 'modules/settings.bicep' = {
  name: 'settings'
  params: {
    allowedTenants: allowedTenants
    authority: authority
    clientId: application.outputs.clientId
    graphEndpoint: graphEndpoint
    graphOptionalScopes: graphOptionalScopes
    graphScopes: graphScopes
    hostBlobServiceUri: platform.outputs.hostBlobServiceUri
    identityClientId: platform.outputs.identityClientId
    publicUrl: platform.outputs.origin
    sealingKeyId: platform.outputs.sealingKeyId
    sessionIdleTimeout: sessionIdleTimeout
    sessionMaxAge: sessionMaxAge
    siteName: platform.outputs.siteName
    tableServiceUri: platform.outputs.tableServiceUri
    telemetryConnectionString: platform.outputs.telemetryConnectionString
    threads: perInstanceConcurrency
  }
}

@description('What `func azure functionapp publish` is told.')
output siteName string = platform.outputs.siteName

@description('Where people go.')
output appUrl string = platform.outputs.origin

@description('The redirect URI of the app registration.')
output redirectUri string = '${platform.outputs.origin}/auth/callback'

@description('The front-channel logout URL of the app registration.')
output frontChannelLogoutUrl string = '${platform.outputs.origin}/auth/front-channel-logout'

@description('Subject of the federated credential: the object id of the identity.')
output identityPrincipalId string = platform.outputs.identityPrincipalId

@description('Client id of the app registration.')
output entraClientId string = application.outputs.clientId
