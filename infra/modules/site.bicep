// The app: a Flex Consumption plan and the site on it. Its settings are in settings.bicep, all of them.

@description('Region of the plan and the site.')
param location string

@description('Name of the plan; Flex Consumption has one app for each.')
param planName string

@description('Name of the site.')
param siteName string

@description('Resource id of the identity that the site runs as and fetches its package with.')
param identityId string

@description('The blob container that packages are published to.')
param deploymentContainerUrl string

@description('Memory of an instance in MB: 512, 2048 or 4096, which come with a quarter, one or two cores.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int

@description('The most instances that each group of functions is scaled out to. Billing follows it, so it is also the ceiling of a bill.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@description('Instances that are always running for HTTP requests. Each is billed around the clock; 0 means a cold start after a pause.')
@minValue(0)
param alwaysReadyInstances int

@description('Requests that one instance takes at a time. The worker has as many threads.')
@minValue(1)
@maxValue(1000)
param perInstanceConcurrency int

@description('Resource id of the subnet that outgoing calls leave through; empty for none.')
param subnetId string

@description('Tags of every resource.')
param tags object

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: siteName
  location: location
  tags: union(tags, { 'azd-service-name': 'mail' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    clientAffinityEnabled: false
    functionAppConfig: {
      deployment: {
        storage: {
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
          type: 'blobContainer'
          value: deploymentContainerUrl
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReadyInstances > 0
          ? [
              {
                instanceCount: alwaysReadyInstances
                name: 'http'
              }
            ]
          : []
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        triggers: {
          http: {
            perInstanceConcurrency: perInstanceConcurrency
          }
        }
      }
    }
    httpsOnly: true
    serverFarmId: plan.id
    siteConfig: {
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
  }

  // Publishing goes by a token of the deployer's, so no password opens either door.
  resource scmPassword 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }

  resource ftpPassword 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }
}

@description('Name of the site, for its settings.')
output name string = site.name

@description('The host name that Azure gave it, which need not be <name>.azurewebsites.net.')
output hostName string = site.properties.defaultHostName
