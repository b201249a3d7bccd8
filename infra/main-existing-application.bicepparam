using 'main-existing-application.bicep'

// From the team that owns the registration.
param clientId = readEnvironmentVariable('ENTRA_CLIENT_ID')

param namePrefix = 'drawbridge'

// A bill has no other ceiling than this.
param maximumInstanceCount = 40
