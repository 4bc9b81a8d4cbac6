# The app as a container, for those who run their own cluster: make package, then docker build.
FROM mcr.microsoft.com/azure-functions/python:4-python3.11

# The packages come with the app, as on Azure; only there does the worker look for them by itself.
ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    PYTHONPATH=/home/site/wwwroot/.python_packages/lib/site-packages

COPY dist/app /home/site/wwwroot
