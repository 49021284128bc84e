"""deploy/kubernetes is what Kubernetes takes, and agrees with program and image. Needs neither cluster nor network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict
from typer.main import get_command

from agents.cli import app
from agents.settings import PREFIX, Settings, load_settings

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "kubernetes"
OLDEST: Final = "1.31"
"""The oldest Kubernetes that knows all of it: unhealthyPodEvictionPolicy is stable from there."""

MONITOR_FILE: Final = "pod-monitor.yaml"
NOT_APPLIED: Final = {"secrets.example.yaml", MONITOR_FILE}

Manifest = dict[str, Any]


def documents(file: Path) -> Iterator[Manifest]:
    """Yield the manifests of a file."""
    yield from (each for each in yaml.safe_load_all(file.read_text()) if each)


FILES: Final = sorted(file for file in FOLDER.glob("*.yaml") if file.name != "kustomization.yaml")
KUSTOMIZATION: Final = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS: Final = {(each["kind"], each["metadata"]["name"]): each for file in FILES for each in documents(file)}
CUSTOM: Final = ("ScaledObject", "hxi-worker")
MONITOR: Final = ("PodMonitor", "hxi-worker")
OF_OPERATORS: Final = {CUSTOM, MONITOR}
"""Kinds that Kubernetes does not know by itself."""


def pod(manifest: Manifest) -> Manifest | None:
    """Return the pod that a manifest makes: its spec and labels, or None."""
    spec = manifest.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: Manifest | None = spec.get("template")
    return found


PODS: Final = {key: made for key, manifest in MANIFESTS.items() if (made := pod(manifest))}
WORKER: Final = PODS["Deployment", "hxi-worker"]


def container(made: Manifest) -> Manifest:
    """Return the one container of a pod."""
    (only,) = made["spec"]["containers"]
    return dict(only)


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("key", sorted(MANIFESTS.keys() - OF_OPERATORS), ids="-".join)
def test_kubernetes_knows_every_field(key: tuple[str, str], version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[key], version, strict=True)


def test_a_field_that_is_misspelt_is_noticed() -> None:
    worker = MANIFESTS["Deployment", "hxi-worker"]
    misspelt = {**worker, "spec": {**worker["spec"], "replica": 3}}

    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(misspelt, OLDEST, strict=True)


def closed(**properties: Any) -> Manifest:
    """Return a schema of an object with these fields, all of them needed, and no others."""
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


NUMBER: Final = {"type": "integer", "minimum": 1}
TEXT: Final = {"type": "string", "minLength": 1}
NUMBER_AS_TEXT: Final = {"type": "string", "pattern": "^[1-9][0-9]*$"}
POLICY: Final = closed(type={"const": "Pods"}, value=NUMBER, periodSeconds={**NUMBER, "maximum": 1800})
RULES: Final = closed(
    stabilizationWindowSeconds={**NUMBER, "maximum": 3600}, policies={"type": "array", "minItems": 1, "items": POLICY}
)
TRIGGER: Final = closed(
    type={"const": "kafka"},
    metadata=closed(
        bootstrapServers=TEXT,
        consumerGroup=TEXT,
        topic=TEXT,
        lagThreshold=NUMBER_AS_TEXT,
        offsetResetPolicy={"enum": ["earliest", "latest"]},
    ),
)
SCALED_OBJECT: Final = closed(
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata=closed(name=TEXT),
    spec=closed(
        scaleTargetRef=closed(name=TEXT),
        minReplicaCount=NUMBER,
        maxReplicaCount=NUMBER,
        pollingInterval=NUMBER,
        fallback=closed(failureThreshold=NUMBER, replicas=NUMBER),
        advanced=closed(horizontalPodAutoscalerConfig=closed(behavior=closed(scaleUp=RULES, scaleDown=RULES))),
        triggers={"type": "array", "minItems": 1, "items": TRIGGER},
    ),
)
"""The part of KEDA's own definition that is used here, stricter; no package has the whole of it."""


def test_the_scaled_object_has_what_keda_knows_and_nothing_else() -> None:
    jsonschema.validate(MANIFESTS[CUSTOM], SCALED_OBJECT)


POD_MONITOR: Final = closed(
    apiVersion={"const": "monitoring.coreos.com/v1"},
    kind={"const": "PodMonitor"},
    metadata=closed(name=TEXT, namespace=TEXT),
    spec=closed(
        selector=closed(matchLabels={"type": "object"}),
        podMetricsEndpoints={
            "type": "array",
            "minItems": 1,
            "items": closed(
                port=TEXT,
                path=TEXT,
                interval=TEXT,
                relabelings={"type": "array", "items": closed(targetLabel=TEXT, replacement=TEXT)},
            ),
        },
    ),
)
"""The part of the Prometheus Operator's own definition that is used here, stricter."""


def test_the_pod_monitor_has_what_the_operator_knows_and_nothing_else() -> None:
    jsonschema.validate(MANIFESTS[MONITOR], POD_MONITOR)


def test_every_file_is_applied_but_the_example_and_what_needs_the_prometheus_operator() -> None:
    assert set(KUSTOMIZATION["resources"]) == {file.name for file in FILES} - NOT_APPLIED


def test_no_secret_has_a_value() -> None:
    secrets = [each for (kind, _), each in MANIFESTS.items() if kind == "Secret"]

    assert secrets
    assert all(set(each["stringData"].values()) == {""} for each in secrets)


def test_the_image_has_the_version_of_the_project() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert [(image["name"], image["newTag"]) for image in KUSTOMIZATION["images"]] == [("hxi", version)]
    assert ("Job", f"hxi-migrate-{version}") in MANIFESTS
    assert {container(made)["image"] for made in PODS.values()} == {"hxi"}


@pytest.mark.parametrize("key", sorted(PODS), ids="-".join)
def test_a_pod_runs_as_the_image_does_and_can_become_nothing_else(key: tuple[str, str]) -> None:
    spec = PODS[key]["spec"]
    (user,) = set(re.findall(r"--[gu]id (\d+)", (ROOT / "Dockerfile").read_text()))

    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        **dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), int(user)),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(PODS[key])["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert container(PODS[key])["resources"].keys() == {"requests", "limits"}


@pytest.mark.parametrize("key", sorted(PODS), ids="-".join)
def test_no_service_is_made_known_by_variables_that_hxi_refuses(key: tuple[str, str]) -> None:
    services = [name for kind, name in MANIFESTS if kind == "Service"]

    assert any(name.upper().replace("-", "_").startswith(PREFIX) for name in services), "else this may go"
    assert PODS[key]["spec"]["enableServiceLinks"] is False


def environment(made: Manifest, secrets: Path) -> dict[str, str]:
    """Return what a pod's container is given, with the secret that is mounted there in a folder of ours."""
    (mount,) = (each for each in container(made)["volumeMounts"] if each["name"] == "password")
    (volume,) = (each for each in made["spec"]["volumes"] if each["name"] == "password")
    assert ("Secret", volume["secret"]["secretName"]) in MANIFESTS
    found: dict[str, str] = {}
    for source in container(made)["envFrom"]:
        found |= MANIFESTS["ConfigMap", source["configMapRef"]["name"]]["data"]
    for variable in container(made)["env"]:
        value = variable.get("value", "")
        if reference := variable.get("valueFrom", {}).get("configMapKeyRef"):
            value = MANIFESTS["ConfigMap", reference["name"]]["data"][reference["key"]]
        found[variable["name"]] = value.replace(mount["mountPath"], str(secrets))
    return found


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder with the password of a secret."""
    (tmp_path / "password").write_text("of this login")
    return tmp_path


@pytest.mark.parametrize("key", sorted(PODS), ids="-".join)
def test_hxi_takes_what_a_pod_is_given(key: tuple[str, str], secrets: Path) -> None:
    database = conninfo_to_dict(load_settings(environment(PODS[key], secrets)).database_url)

    assert database["password"] == "of this login"
    assert database["user"] == ("worker" if PODS[key] is WORKER else "pipeline"), "as in docker-compose.yml"


@pytest.mark.parametrize("key", sorted(PODS), ids="-".join)
def test_a_pod_runs_a_command_that_there_is(key: tuple[str, str]) -> None:
    (command,) = container(PODS[key])["args"]

    assert command in get_command(app).commands  # type: ignore[attr-defined]


def test_probes_and_scrapes_ask_where_a_worker_answers() -> None:
    (port,) = container(WORKER)["ports"]
    probes = {name: probe["httpGet"] for name, probe in container(WORKER).items() if name.endswith("Probe")}
    served = (ROOT / "agents" / "web.py").read_text()

    assert port["containerPort"] == Settings().web_port
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    (scraped,) = MANIFESTS[MONITOR]["spec"]["podMetricsEndpoints"]
    assert (scraped["port"], scraped["path"]) == (port["name"], "/metrics")
    assert all(f'"{path}"' in served for path in ("/livez", "/readyz", "/metrics"))


def test_what_selects_workers_selects_workers() -> None:
    labels = WORKER["metadata"]["labels"]
    spread = WORKER["spec"]["topologySpreadConstraints"]

    assert MANIFESTS["Deployment", "hxi-worker"]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["PodDisruptionBudget", "hxi-worker"]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["Service", "hxi-worker"]["spec"]["selector"] == labels
    assert MANIFESTS[MONITOR]["spec"]["selector"]["matchLabels"] == labels
    assert all(each["labelSelector"]["matchLabels"] == labels for each in spread)
    ours = MANIFESTS["NetworkPolicy", "hxi"]["spec"]["podSelector"]["matchLabels"]
    assert all(ours.items() <= made["metadata"]["labels"].items() for made in PODS.values())


def test_workers_are_scaled_by_the_lag_of_their_own_group_up_to_one_for_each_partition(secrets: Path) -> None:
    settings = load_settings(environment(WORKER, secrets))
    spec = MANIFESTS[CUSTOM]["spec"]
    triggers = [trigger["metadata"] for trigger in spec["triggers"]]

    assert ("Deployment", spec["scaleTargetRef"]["name"]) in MANIFESTS
    assert "replicas" not in MANIFESTS["Deployment", "hxi-worker"]["spec"], "it would undo the scaling when applied"
    assert [each["topic"] for each in triggers] == [settings.events_topic, settings.replay_topic]
    assert {each["consumerGroup"] for each in triggers} == {settings.app_id}
    assert {each["bootstrapServers"] for each in triggers} == {settings.kafka_bootstrap}
    assert spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
    assert spec["maxReplicaCount"] <= settings.topic_partitions


def test_pods_may_reach_both_servers(secrets: Path) -> None:
    settings = load_settings(environment(WORKER, secrets))
    (out,) = MANIFESTS["NetworkPolicy", "hxi"]["spec"]["egress"]
    kafka = {int(address.rpartition(":")[2]) for address in settings.bootstrap_servers()}
    database = int(str(conninfo_to_dict(settings.database_url)["port"]))

    assert {each["port"] for each in out["ports"]} == kafka | {database, 53}


def secrets_and_settings(made: Manifest) -> set[tuple[str, str]]:
    """Return what has to be there for a pod to start."""
    only = container(made)
    keys = [each["valueFrom"]["configMapKeyRef"] for each in only["env"] if "valueFrom" in each]
    settings = [*keys, *(each["configMapRef"] for each in only["envFrom"])]
    volumes = [each["secret"]["secretName"] for each in made["spec"]["volumes"] if "secret" in each]
    return {("ConfigMap", each["name"]) for each in settings} | {("Secret", name) for name in volumes}


def test_each_step_of_the_page_has_what_it_needs_from_those_before() -> None:
    section = (ROOT / "docs/deployment.md").read_text().split("\n## Kubernetes\n")[1]
    whole = {key for key in MANIFESTS if key[0] != "Secret"} - {MONITOR}
    there: set[tuple[str, str]] = set()
    for command in re.findall(r"^ +(kubectl .+)$|(CREATE ROLE worker)", section, re.MULTILINE):
        line = "".join(command)
        if made := re.search("create secret generic (.+?) ", line):
            assert ("Namespace", "hxi") in there, line
            there.add(("Secret", made[1]))
        elif "namespace.yaml" in line:
            there.add(("Namespace", "hxi"))
        elif f"{MONITOR_FILE} " in f"{line} ":
            assert ("Deployment", "hxi-worker") in there, line
            there.add(MONITOR)
        elif "wait" in line:
            (job,) = (key for key in there if key[0] == "Job")
            assert f"job/{job[1]} " in line
            there.add(("Role", "hxi_writer"))
        elif line == "CREATE ROLE worker":
            assert ("Role", "hxi_writer") in there, "the group that it is to be in"
            there.add(("Role", "worker"))
        else:
            assert "--kustomize deploy/kubernetes" in line
            chosen = re.search(r"component in \((.+)\)", line)
            names = chosen[1].split(", ") if chosen else None
            applied = {key for key in whole if names is None or component(MANIFESTS[key]) in names}
            there |= applied
            for key in applied & PODS.keys():
                assert secrets_and_settings(PODS[key]) <= there, (line, key)
                assert key[0] != "Deployment" or ("Role", "worker") in there
    assert whole | {MONITOR} <= there, "in the end all of it is there"


def component(manifest: Manifest) -> str | None:
    """Return what part a manifest says it is."""
    labels = manifest["metadata"].get("labels", {})
    found: str | None = labels.get("app.kubernetes.io/component")
    return found
