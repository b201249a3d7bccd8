"""The check of the templates finds what is planted, by line, and nothing in the real ones."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from dev.bicep.check import FOLDER, compile_with, faults
from dev.package.__main__ import FOLDER as PACKAGE
from shared.config import SETTINGS
from shared.settings import origin
from shared.token_store import TABLES
from tests.infra import faults_of_language, faults_of_policy

APP_SETTINGS = frozenset(SETTINGS)
PLANTED = faults_of_language.PLANTED | faults_of_policy.PLANTED
ENTRIES = ("main.bicep", "main-existing-application.bicep")
OF_THE_REGISTRATION = {"applicationUniqueName", "applicationDisplayName", "signInAudience", "extraRedirectUris"}


def text_of(file: str) -> str:
    return (FOLDER / file).read_text("utf-8")


def parameters(file: str) -> dict[str, str]:
    """Name and the rest of the line."""
    return dict(re.findall(r"^param (\w+) (.*)$", text_of(file), re.MULTILINE))


def test_the_real_templates_have_no_fault() -> None:
    assert faults(FOLDER, APP_SETTINGS) == []


@pytest.mark.parametrize("name", PLANTED)
def test_the_check_reports(name: str, tmp_path: Path) -> None:
    file, old, new, said, at = PLANTED[name]
    folder = tmp_path / "infra"
    shutil.copytree(FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    found = [fault for fault in faults(folder, APP_SETTINGS) if said in fault.text and fault.file == file]

    assert found, faults(folder, APP_SETTINGS)
    changed = (folder / file).read_text(encoding="utf-8").splitlines()
    assert at in changed[found[0].line - 1]


def test_a_setting_that_the_app_begins_to_read_must_be_in_the_templates() -> None:
    found = faults(FOLDER, APP_SETTINGS | {"NEW_SETTING"})

    assert [fault.text for fault in found] == ["the setting NEW_SETTING is missing"]


def test_alerts_look_for_events_that_the_app_writes() -> None:
    queries = re.findall(r"query: '(traces .*)'", text_of("modules/alerts.bicep"))
    events = {name for query in queries for name in re.findall(r'"(\w+)"', query)}
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    assert events
    assert [name for name in sorted(events) if f"| `{name}` |" not in readme] == []


def test_the_identity_has_four_grants_each_on_the_narrowest_thing_and_all_in_one_file() -> None:
    granted = re.findall(r"scope: (\S+)\n +name: guid\(.*, principalId, (\w+)\)", text_of("modules/roles.bicep"))
    assert granted == [
        ("hostAccount", "storageBlobDataOwner"),
        ("tables[index]", "storageTableDataContributor"),
        ("vault::key", "keyVaultCryptoServiceEncryptionUser"),
        ("component", "monitoringMetricsPublisher"),
    ]
    files = [path.name for path in FOLDER.rglob("*.bicep") if "roleAssignments" in path.read_text("utf-8")]
    assert files == ["roles.bicep"]
    assert text_of("modules/roles.bicep").count("roleAssignments@") == len(granted)


def test_telemetry_holds_no_query_string() -> None:
    """Neither of a request, nor of what the host calls on its way: there would be authorization codes in them."""
    telemetry = json.loads((FOLDER.parent / "host.json").read_text("utf-8"))["logging"]["applicationInsights"]
    assert telemetry["enableQueryStringTracing"] is False
    assert telemetry["enableDependencyTracking"] is False


def test_the_tables_that_are_made_are_those_that_the_app_opens() -> None:
    listed = re.search(r"^var tableNames = \[(.*?)^\]", text_of("modules/storage.bicep"), re.MULTILINE | re.DOTALL)
    assert listed
    assert re.findall(r"'(\w+)'", listed[1]) == list(TABLES)


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_worker_has_as_many_threads_as_an_instance_takes_requests(entry: str) -> None:
    text = text_of(entry)
    assert "    perInstanceConcurrency: perInstanceConcurrency\n" in text
    assert "    threads: perInstanceConcurrency\n" in text
    assert "PYTHON_THREADPOOL_THREAD_COUNT: string(threads)\n" in text_of("modules/settings.bicep")


def test_both_entry_files_take_the_same_parameters_but_those_of_the_registration() -> None:
    whole, existing = map(parameters, ENTRIES)
    assert whole.keys() - existing.keys() == OF_THE_REGISTRATION
    assert existing.keys() - whole.keys() == {"clientId"}
    assert {name: whole[name] for name in existing if name != "clientId"} == {
        name: rest for name, rest in existing.items() if name != "clientId"
    }


def test_the_template_for_an_existing_registration_needs_no_extension() -> None:
    assert "application.bicep'" in text_of(ENTRIES[0])
    assert "application.bicep'" not in text_of(ENTRIES[1])
    with_extension = [path.name for path in FOLDER.rglob("*.bicep") if "extension " in path.read_text("utf-8")]
    assert with_extension == ["application.bicep"]


def test_the_longest_prefix_still_makes_names_that_azure_takes_and_that_differ() -> None:
    text = text_of("modules/platform.bicep")
    longest = {"toLower(namePrefix)": "n" * 11, "namePrefix": "n" * 11, "suffix": "abcdefghijklm"}

    def name(argument: str) -> str:
        found = re.search(rf"\b{argument}(?:: | = )(?:take\()?'([^']*)'", text)
        assert found
        return re.sub(r"\$\{(.*?)\}", lambda part: longest[part[1]], found[1])[:24]

    names = [name("hostAccountName"), name("sessionAccountName"), name("vaultName")]
    assert len(set(names)) == 3
    assert len(name("vaultName")) == 24
    assert "ijklm" in name("vaultName")  # a vault's name is not cut
    assert all(re.fullmatch(r"[a-z][a-z0-9]{2,23}", each) for each in names)


def test_azd_and_the_workflow_send_what_dev_package_builds_to_what_the_templates_make() -> None:
    clone = FOLDER.parent
    package = PACKAGE.relative_to(clone)
    service, project = re.findall(
        r"^services:\n  (\w+):\n    project: (\S+)$", (clone / "azure.yaml").read_text(), re.M
    )[0]
    assert project == package.as_posix()
    assert f"'azd-service-name': '{service}'" in text_of("modules/site.bicep")
    deploy = (clone / ".github" / "workflows" / "deploy.yml").read_text("utf-8")
    assert f"--src {package.with_suffix('.zip').as_posix()}\n" in deploy
    assert all((clone / path).is_file() for path in re.findall(r"infra/[\w.-]+", deploy))


def evaluated(name: str, given: str) -> str:
    """A variable or output of platform.bicep, of the few functions that its origin is made with."""
    found = re.search(rf"^(?:var|output) {name}(?: string)? = (.*)$", text_of("modules/platform.bicep"), re.MULTILINE)
    assert found
    known = {word: evaluated(word, given) for word in ("given", "bare", "lower") if re.search(rf"\b{word}\b", found[1])}
    choice = re.fullmatch(
        r"(.*?) \? (.*?) : (.*)", found[1].replace("'https://${toLower(site.outputs.hostName)}'", "'azure'")
    )
    python = f"({choice[2]}) if {choice[1]} else ({choice[3]})" if choice else found[1]
    functions = {
        "toLower": str.lower,
        "trim": str.strip,
        "endsWith": str.endswith,
        "take": lambda text, count: text[:count],
        "length": len,
        "empty": lambda text: not text,
    }
    return str(eval(python, {**functions, **known, "publicUrl": given}))  # noqa: S307


@pytest.mark.parametrize(
    "given",
    [
        "https://mail.example.org",
        "https://mail.example.org/",
        "https://Mail.Example.ORG",
        " https://mail.example.org ",
        "https://mail.example.org:443",
        "https://mail.example.org:443/",
        "https://mail.example.org:8443",
    ],
)
def test_the_redirect_uri_is_registered_for_the_origin_that_the_app_understands(given: str) -> None:
    assert evaluated("origin", given) == origin(given.strip())


def test_without_a_public_url_the_origin_is_the_host_name_that_azure_gives() -> None:
    assert evaluated("origin", "") == evaluated("origin", " ") == "azure"


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_apps_settings_and_the_registration_have_one_and_the_same_origin(entry: str) -> None:
    text = text_of(entry)
    assert "    publicUrl: publicUrl\n" in text  # to the platform, which makes the origin of it
    others = re.findall(
        r"^    publicUrl: (\S+)$|\$\{(.*)\}/auth", text.replace("publicUrl: publicUrl", ""), re.MULTILINE
    )
    assert {one or other for one, other in others} == {"platform.outputs.origin"}


@pytest.mark.parametrize("said", ["main.bicep(3,7) : Warning no-unused-params: x", "Error BCP057: y"])
def test_what_the_real_compiler_says_is_a_fault(said: str, tmp_path: Path) -> None:
    compiler = tmp_path / "bicep.py"
    compiler.write_text(f"import sys\nprint({said!r} if 'main.bicep' in sys.argv else 'a note', file=sys.stderr)\n")
    assert compile_with([sys.executable, str(compiler)], tmp_path) == [said]


def test_a_compiler_that_fails_is_a_fault_and_one_that_is_content_is_none(tmp_path: Path) -> None:
    compiler = tmp_path / "bicep.py"
    compiler.write_text("import sys\nprint('cannot restore', file=sys.stderr)\nsys.exit('build-params' in sys.argv)\n")
    assert compile_with([sys.executable, str(compiler)], tmp_path) == [
        "main-existing-application.bicepparam: cannot restore",
        "main.bicepparam: cannot restore",
    ]
    compiler.write_text("")
    assert compile_with([sys.executable, str(compiler)], tmp_path) == []
