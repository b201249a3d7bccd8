"""The local host: serves a Functions app through azure-functions-runtime, as the .NET host does in Azure.

`python -m dev.host --app FOLDER --port N` starts it; `dev.host.serving.serve` starts it for a test. What it imitates
was read in the sources of Azure/azure-functions-host, Azure/azure-webjobs-sdk-extensions and dotnet/aspnetcore; each
module names the files it follows.
"""
