"""A setting is declared once: the document, the sample, Azure and the environment follow its declaration."""

import json
import re
from pathlib import Path

import pytest

from shared_code import settings
from shared_code.settings import SETTINGS, Settings
from shared_code.settings.setting import Setting

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/settings.md").read_text()
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
OF_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"}
IN_SAMPLE = [
    (name, setting) for name, setting in vars(Settings).items() if getattr(setting, "name", "") in SAMPLE
]


def test_sample_settings_name_only_settings_that_exist():
    assert set(SAMPLE) <= {setting.name for setting in SETTINGS} | OF_THE_HOST


@pytest.mark.parametrize(("attribute", "setting"), IN_SAMPLE, ids=[name for name, _ in IN_SAMPLE])
def test_sample_settings_show_the_defaults_and_can_be_used(attribute, setting):
    if setting is not Settings.host_storage:
        assert SAMPLE[setting.name] == setting.default
    if SAMPLE[setting.name]:
        assert getattr(Settings(SAMPLE), attribute) is not None


def test_sample_settings_let_only_json_values_cross_the_orchestration():
    assert SAMPLE["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] == "true"


@pytest.mark.parametrize("path", sorted((ROOT / "shared_code").rglob("*.py")), ids=lambda path: path.stem)
def test_only_the_settings_read_the_environment(path):
    reads = re.search(r"os\.environ|getenv", path.read_text())
    assert bool(reads) == (str(path) == settings.__file__)


@pytest.mark.parametrize("path", sorted((ROOT / "shared_code").rglob("*.py")), ids=lambda path: path.stem)
def test_names_of_settings_stand_nowhere_but_in_their_declarations(path):
    names = {setting.name for setting in SETTINGS}
    quoted = set(re.findall(r'"([A-Za-z_]+)"', path.read_text()))
    assert str(path) == settings.__file__ or not names & quoted


def test_documented_table_is_the_declarations():
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in DOCUMENT.splitlines()]
    assert [
        tuple(row)
        for row in rows
        if row[0].startswith("`") and len(row) == len(("name", "default", "meaning"))
    ] == [
        (f"`{setting.name}`", f"`{setting.default}`" if setting.default else "", setting.meaning)
        for setting in SETTINGS
    ]


def test_default_that_is_the_name_of_a_setting_stands_for_its_value():
    names = {setting.name for setting in SETTINGS}
    by_name = [setting for setting in SETTINGS if setting.default in names]
    assert by_name == [setting for setting in SETTINGS if setting.fallback]
    for setting in by_name:
        assert setting.text({setting.default: "value"}) == "value"


def test_declaration_is_an_attribute_of_the_class_and_its_value_one_of_an_instance():
    assert isinstance(Settings.audit_table, Setting)
    assert Settings({"AUDIT_TABLE": "other"}).audit_table == "other"
