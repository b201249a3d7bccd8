// Who used the key and the tables, into the workspace. The site's own HTTP log is left out on purpose: it would write
// down query strings, and with them authorization codes.

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Account with the sessions.')
param sessionAccountName string

@description('The vault.')
param vaultName string

resource sessionAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: sessionAccountName

  resource tables 'tableServices' existing = {
    name: 'default'
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource tableLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: sessionAccount::tables
  name: 'audit'
  properties: {
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
      {
        category: 'StorageWrite'
        enabled: true
      }
    ]
    workspaceId: workspaceId
  }
}

resource vaultLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
    workspaceId: workspaceId
  }
}
