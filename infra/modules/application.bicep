// The app registration, by the Microsoft Graph extension. It has no secret: the site's identity vouches for it.
// https://learn.microsoft.com/graph/templates/bicep/reference/applications

extension microsoftGraphV1

@description('Key by which a later deployment finds this registration again. It cannot be changed afterwards.')
param uniqueName string

@description('The name that people see when they are asked for consent.')
param displayName string

@description('Who may sign in: AzureADMyOrg, AzureADMultipleOrgs or AzureADandPersonalMicrosoftAccount.')
@allowed([
  'AzureADMyOrg'
  'AzureADMultipleOrgs'
  'AzureADandPersonalMicrosoftAccount'
])
param signInAudience string

@description('The origin that people see.')
param publicUrl string

@description('Redirect URIs beside that of `publicUrl`. A deployment removes all that are not named.')
param extraRedirectUris array

@description('Object id of the identity that the app runs as, in the tenant of this registration.')
param identityPrincipalId string

// Delegated permissions of Microsoft Graph: https://learn.microsoft.com/graph/permissions-reference
var microsoftGraph = '00000003-0000-0000-c000-000000000000'
var userRead = 'e1fe6dd8-ba31-4d61-89e7-88639da4683d'
var mailRead = '570282fd-fa5c-430d-a7fd-fc8dc98a9dca'
var offlineAccess = '7427e0e9-2fba-42fe-b0c0-848c9e6a8182'

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: signInAudience
  api: {
    requestedAccessTokenVersion: 2
  }
  optionalClaims: {
    idToken: [
      {
        name: 'sid'
      }
      {
        name: 'login_hint'
      }
    ]
  }
  requiredResourceAccess: [
    {
      resourceAppId: microsoftGraph
      resourceAccess: [
        {
          id: userRead
          type: 'Scope'
        }
        {
          id: mailRead
          type: 'Scope'
        }
        {
          id: offlineAccess
          type: 'Scope'
        }
      ]
    }
  ]
  web: {
    implicitGrantSettings: {
      enableAccessTokenIssuance: false
      enableIdTokenIssuance: false
    }
    logoutUrl: '${publicUrl}/auth/front-channel-logout'
    redirectUris: concat(['${publicUrl}/auth/callback'], extraRedirectUris)
  }

  resource managedIdentity 'federatedIdentityCredentials@v1.0' = {
    name: '${application.uniqueName}/managed-identity'
    audiences: [
      'api://AzureADTokenExchange'
    ]
    description: 'The identity that the app runs as'
    issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
    subject: identityPrincipalId
  }
}

resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
}

@description('Client id of the registration.')
output clientId string = application.appId
