// The one identity that the app has. Everything it may do is in roles.bicep.

@description('Region of the identity.')
param location string

@description('Name of the user-assigned identity.')
param name string

@description('Tags of every resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id, for the site and its deployment storage.')
output id string = identity.id

@description('Client id, by which the app asks for this identity and no other.')
output clientId string = identity.properties.clientId

@description('Object id, to which roles and the federated credential are bound.')
output principalId string = identity.properties.principalId
