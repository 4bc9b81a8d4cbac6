"""How to run an app: app settings, local.settings.json and host.json."""
