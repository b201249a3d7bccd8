// Every setting of the app in one place, and no secret among them.

@description('Name of the site.')
param siteName string

@description('Client id of the app registration.')
param clientId string

@description('Sign-in authority: a tenant, or organizations, common, consumers, on the host of the cloud.')
param authority string

@description('Tenant ids that may sign in, comma-separated; `*` lets in every tenant that the authority does.')
param allowedTenants string

@description('Microsoft Graph of the cloud.')
param graphEndpoint string

@description('Delegated permissions that everybody is asked for, separated by spaces.')
param graphScopes string

@description('Delegated permissions that a person may be asked for later, separated by spaces.')
param graphOptionalScopes string

@description('The origin that people see, for a custom domain; empty for the host name that Azure gave the site.')
param publicUrl string

@description('Longest life of a session in seconds.')
@minValue(300)
param sessionMaxAge int

@description('Seconds without use after which a session ends.')
@minValue(300)
param sessionIdleTimeout int

@description('Client id of the identity that the app runs as.')
param identityClientId string

@description('Blob endpoint of the account of the Functions host.')
param hostBlobServiceUri string

@description('Table endpoint of the account with the sessions.')
param tableServiceUri string

@description('The Key Vault key that wraps the data keys, without a version.')
param sealingKeyId string

@description('Where the host sends telemetry.')
param telemetryConnectionString string

@description('Threads of the worker: as many as requests that one instance takes at a time.')
param threads int

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: siteName
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: {
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    APPLICATIONINSIGHTS_CONNECTION_STRING: telemetryConnectionString
    AZURE_CLIENT_ID: identityClientId
    AzureWebJobsDisableHomepage: 'true'
    AzureWebJobsStorage__blobServiceUri: hostBlobServiceUri
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__credential: 'managedidentity'
    ENTRA_ALLOWED_TENANTS: allowedTenants
    ENTRA_AUTHORITY: authority
    ENTRA_CLIENT_ID: clientId
    GRAPH_ENDPOINT: graphEndpoint
    GRAPH_OPTIONAL_SCOPES: graphOptionalScopes
    GRAPH_SCOPES: graphScopes
    PUBLIC_URL: publicUrl
    PYTHON_THREADPOOL_THREAD_COUNT: string(threads)
    SEALING_KEY_ID: sealingKeyId
    SESSION_IDLE_TIMEOUT: string(sessionIdleTimeout)
    SESSION_MAX_AGE: string(sessionMaxAge)
    SESSION_STORE__clientId: identityClientId
    SESSION_STORE__tableServiceUri: tableServiceUri
  }
}
