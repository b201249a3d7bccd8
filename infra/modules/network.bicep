// Optional: the app in a virtual network of its own, storage and vault reached by private endpoints alone.
// The subscription must have the provider Microsoft.App registered.

@description('Region of the network.')
param location string

@description('Beginning of the names.')
param namePrefix string

@description('Account of the Functions host.')
param hostAccountName string

@description('Account with the sessions.')
param sessionAccountName string

@description('The vault.')
param vaultName string

@description('Tags of every resource.')
param tags object

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostAccountName
}

resource sessionAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: sessionAccountName
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

var doors = [
  {
    name: 'blob'
    groupId: 'blob'
    id: hostAccount.id
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'table'
    groupId: 'table'
    id: sessionAccount.id
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    name: 'vault'
    groupId: 'vault'
    id: vault.id
    zone: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
  }
]

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' = {
  name: '${namePrefix}-network'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.0.0.0/24'
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'doors'
        properties: {
          addressPrefix: '10.0.1.0/24'
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource doorSubnet 'subnets' existing = {
    name: 'doors'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for door in doors: {
    name: door.zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (door, index) in doors: {
    parent: zones[index]
    name: '${namePrefix}-${door.name}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-09-01' = [
  for door in doors: {
    name: '${namePrefix}-${door.name}'
    location: location
    tags: tags
    properties: {
      privateLinkServiceConnections: [
        {
          name: door.name
          properties: {
            groupIds: [
              door.groupId
            ]
            privateLinkServiceId: door.id
          }
        }
      ]
      subnet: {
        id: network::doorSubnet.id
      }
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = [
  for (door, index) in doors: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: door.name
          properties: {
            privateDnsZoneId: zones[index].id
          }
        }
      ]
    }
  }
]

@description('The subnet that the app calls out through.')
output subnetId string = network::appSubnet.id
