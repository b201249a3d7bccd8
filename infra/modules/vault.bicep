// One RSA key that wraps the data keys. It never leaves the vault, and the app may only wrap, unwrap and read it.

@description('Region of the vault.')
param location string

@description('Name of the vault, unique in the world, a letter first.')
@minLength(3)
@maxLength(24)
param name string

@description('Whether the vault can be reached from the internet; off where a private endpoint leads to it.')
param publicNetworkAccess bool

@description('Tags of every resource.')
param tags object

var keyName = 'drawbridge'

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    enablePurgeProtection: true
    enableRbacAuthorization: true
    enableSoftDelete: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    networkAcls: {
      bypass: 'None'
      defaultAction: publicNetworkAccess ? 'Allow' : 'Deny'
    }
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    sku: {
      family: 'A'
      name: 'standard'
    }
    softDeleteRetentionInDays: 90
    tenantId: tenant().tenantId
  }

  // A new version every year. Data keys name the version that wrapped them, so old ones open until their key expires.
  resource key 'keys' = {
    name: keyName
    properties: {
      keyOps: [
        'wrapKey'
        'unwrapKey'
      ]
      keySize: 3072
      kty: 'RSA'
      rotationPolicy: {
        attributes: {
          expiryTime: 'P2Y'
        }
        lifetimeActions: [
          {
            action: {
              type: 'rotate'
            }
            trigger: {
              timeAfterCreate: 'P1Y'
            }
          }
        ]
      }
    }
  }
}

@description('Name of the vault, for its role assignment.')
output name string = vault.name

@description('Name of the key, for its role assignment.')
output keyName string = vault::key.name

@description('The key without a version: SEALING_KEY_ID.')
output keyId string = vault::key.properties.keyUri
