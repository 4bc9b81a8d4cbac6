import json
import re
from pathlib import Path

import pytest

from shared_code import settings
from shared_code.settings import SETTINGS, WEBJOBS_STORAGE, Setting

ROOT = Path(__file__).parents[2]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
OF_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"}


def test_sample_settings_name_only_settings_that_exist():
    assert set(SAMPLE) <= {setting.name for setting in SETTINGS} | OF_THE_HOST


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_sample_settings_show_the_defaults(setting):
    if setting is not WEBJOBS_STORAGE and setting.name in SAMPLE:
        assert SAMPLE[setting.name] == setting.default


def test_sample_settings_let_only_json_values_cross_the_orchestration():
    assert SAMPLE["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] == "true"


@pytest.mark.parametrize("path", sorted((ROOT / "shared_code").rglob("*.py")), ids=lambda path: path.stem)
def test_only_the_settings_module_reads_the_environment(path):
    reads = re.search(r"os\.environ|getenv", path.read_text())
    assert bool(reads) == (path.stem == "settings")


def test_every_setting_that_is_defined_is_in_the_list():
    defined = [value for value in vars(settings).values() if isinstance(value, Setting)]
    assert defined == list(SETTINGS)


def test_readme_lists_every_setting_with_its_default_and_meaning():
    section = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line
    ]
    listed = [tuple(row) for row in rows if row[0].startswith("`")]
    assert listed == [
        (f"`{setting.name}`", f"`{setting.default}`" if setting.default else "", setting.meaning)
        for setting in SETTINGS
    ]
