// What somebody should be woken for, by the app's own event names and error codes.

@description('Region of the rules.')
param location string

@description('Beginning of the rules\' names.')
param namePrefix string

@description('Resource id of the Application Insights component.')
param componentId string

@description('Address that is written to; empty makes the rules without telling anybody.')
param emailAddress string

@description('Tags of every resource.')
param tags object

var rules = [
  {
    name: 'app-registration-refused'
    description: 'Entra refuses the app itself: its federated credential or secret is wrong or has expired. Nobody can sign in.'
    query: 'traces | where message has "app_registration_refused"'
    severity: 1
    threshold: 0
  }
  {
    name: 'keys-unavailable'
    description: 'The key ring cannot be opened: the vault does not answer or refuses the app.'
    query: 'traces | where message has_any ("key_vault_failed", "key_vault_refused", "key_not_ours")'
    severity: 1
    threshold: 0
  }
  {
    name: 'refresh-failures'
    description: 'Many refreshes fail at Entra.'
    query: 'traces | where message has "refresh_failed"'
    severity: 2
    threshold: 20
  }
  {
    name: 'server-errors'
    description: 'Many answers are 5xx.'
    query: 'requests | where toint(resultCode) >= 500'
    severity: 2
    threshold: 50
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emailAddress)) {
  name: '${namePrefix}-people'
  location: 'global'
  tags: tags
  properties: {
    emailReceivers: [
      {
        emailAddress: emailAddress
        name: 'operator'
        useCommonAlertSchema: true
      }
    ]
    enabled: true
    groupShortName: 'drawbridge'
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${namePrefix}-${rule.name}'
    kind: 'LogAlert'
    location: location
    tags: tags
    properties: {
      actions: {
        actionGroups: empty(emailAddress) ? [] : [people.id]
      }
      autoMitigate: true
      criteria: {
        allOf: [
          {
            failingPeriods: {
              minFailingPeriodsToAlert: 1
              numberOfEvaluationPeriods: 1
            }
            operator: 'GreaterThan'
            query: rule.query
            threshold: rule.threshold
            timeAggregation: 'Count'
          }
        ]
      }
      description: rule.description
      displayName: rule.name
      enabled: true
      evaluationFrequency: 'PT15M'
      scopes: [
        componentId
      ]
      severity: rule.severity
      windowSize: 'PT15M'
    }
  }
]
