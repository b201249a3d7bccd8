using 'main.bicep'

// Every parameter has a default; these are the ones that one is most likely to change.
param namePrefix = 'drawbridge'

// Both together say who may sign in. For one organisation: AzureADMyOrg and the authority <login host>/<tenant id>.
param signInAudience = 'AzureADMultipleOrgs'

// A bill has no other ceiling than this.
param maximumInstanceCount = 40
