// Two accounts, so that whoever gets at the host's bookkeeping and packages does not get at sessions, or the reverse.
// Neither accepts an account key or a signature made with one.

@description('Region of both accounts.')
param location string

@description('Name of the account that the Functions host keeps its leases, keys and packages in.')
@minLength(3)
@maxLength(24)
param hostAccountName string

@description('Name of the account that sessions are kept in.')
@minLength(3)
@maxLength(24)
param sessionAccountName string

@description('Redundancy of the sessions: Standard_ZRS, or Standard_LRS in a region without availability zones.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
param sessionAccountSku string

@description('Whether both accounts can be reached from the internet; off where private endpoints lead to them.')
param publicNetworkAccess bool

@description('Tags of every resource.')
param tags object

var containerName = 'deployment'
var tableNames = [
  'sessions'
  'sessionindex'
  'keyring'
]
var properties = {
  accessTier: 'Hot'
  allowBlobPublicAccess: false
  allowCrossTenantReplication: false
  allowSharedKeyAccess: false
  defaultToOAuthAuthentication: true
  minimumTlsVersion: 'TLS1_2'
  networkAcls: {
    bypass: 'None'
    defaultAction: publicNetworkAccess ? 'Allow' : 'Deny'
  }
  publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
  supportsHttpsTrafficOnly: true
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: hostAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: properties

  resource blobs 'blobServices' = {
    name: 'default'

    resource deployment 'containers' = {
      name: containerName
    }
  }
}

resource sessionAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: sessionAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sessionAccountSku
  }
  properties: properties

  resource tables 'tableServices' = {
    name: 'default'

    resource table 'tables' = [
      for name in tableNames: {
        name: name
      }
    ]
  }
}

@description('Name of the host account, for its role assignment.')
output hostAccountName string = hostAccount.name

@description('The blob endpoint of the host account, for the host settings.')
output hostBlobServiceUri string = hostAccount.properties.primaryEndpoints.blob

@description('Where `func azure functionapp publish` puts packages.')
output deploymentContainerUrl string = '${hostAccount.properties.primaryEndpoints.blob}${containerName}'

@description('Name of the account with the sessions, for its role assignments.')
output sessionAccountName string = sessionAccount.name

@description('The three tables, each of which gets a role assignment of its own.')
output tableNames array = tableNames

@description('The table endpoint of the account with the sessions.')
output tableServiceUri string = sessionAccount.properties.primaryEndpoints.table
