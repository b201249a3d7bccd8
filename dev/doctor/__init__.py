"""`python3 dev doctor`: what is wrong with this machine, or with a deployment, and how to put it right."""
