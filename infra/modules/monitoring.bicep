// Where log lines go. Telemetry is accepted from the app's identity alone, not from whoever has a key.

@description('Region of the workspace and the component.')
param location string

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param componentName string

@description('Days that log lines are kept, 30 to 730.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Tags of every resource.')
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    features: {
      disableLocalAuth: true
    }
    retentionInDays: retentionInDays
    sku: {
      name: 'PerGB2018'
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

@description('Name of the component, for its role assignment.')
output componentName string = component.name

@description('Where the host sends telemetry. It holds no secret: without the identity nothing is accepted there.')
output connectionString string = component.properties.ConnectionString

@description('Resource id of the component, which the alerts query.')
output componentId string = component.id

@description('Resource id of the workspace, for diagnostic settings.')
output workspaceId string = workspace.id
