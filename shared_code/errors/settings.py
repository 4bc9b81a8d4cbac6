"""Settings that cannot be used, or cannot be looked up right now."""

from typing import ClassVar

from shared_code.errors.kinds import Passing, Permanent


class SettingsError(Permanent):
    """A setting is unusable."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


class MissingSetting(SettingsError):
    """A setting that is needed is absent or empty."""

    def __init__(self, setting: str, fix: str) -> None:
        super().__init__(setting, f"Setting {setting} is missing: {fix}.")


class InvalidSetting(SettingsError):
    """A setting has a value that cannot be used; the value may be a secret and is never repeated."""

    def __init__(self, setting: str, fix: str) -> None:
        super().__init__(setting, f"Setting {setting} has an invalid value: {fix}.")


class UnresolvedReference(SettingsError):
    """A setting holds the reference to a value, because Azure could not put the value in its place."""

    _STORES: ClassVar = {
        "keyvault": ("Key Vault", "Key Vault Secrets User"),
        "appconfiguration": ("App Configuration", "App Configuration Data Reader"),
    }

    def __init__(self, setting: str, kind: str) -> None:
        store, role = self._STORES[kind.lower()]
        super().__init__(
            setting,
            f"Setting {setting} is a reference to {store} that was not resolved: check its address and that "
            f"the app's identity has the role {role}; a user-assigned identity must be the site's "
            "keyVaultReferenceIdentity. A local host resolves none: set the value itself there.",
        )


class ConfigurationUnavailable(Passing):
    """What holds a setting cannot answer right now: try again."""

    service: ClassVar[str] = "configuration"
