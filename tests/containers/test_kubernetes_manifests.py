"""What refused kubectl and helm commands become in the repository: what the cluster itself says they do."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from changes.shop import bare_repository
from go_programs import MODULES

from gateway.web.shapes.changes import ChangeFacts, ChangeId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from live_kube import LiveKube

ENDPOINT = "declared-k8s"
SHOP = "deploy/shop/shop.yaml"
VALUES = "replicas: 1\nextra: false\ncolour: blue\npassword: none\n"
TEMPLATES = {
    "deployment.yaml": """apiVersion: apps/v1
kind: Deployment
metadata:
  name: told
  namespace: shop
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: told}
  template:
    metadata:
      labels: {app: told}
    spec:
      containers:
        - name: told
          image: shop:1
          ports:
            - containerPort: 80
""",
    "config.yaml": """apiVersion: v1
kind: ConfigMap
metadata: {name: told}
data: {colour: {{ .Values.colour | quote }}}
---
apiVersion: v1
kind: Service
metadata: {name: told}
spec:
  selector: {app: told}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Secret
metadata: {name: told}
stringData: {password: {{ .Values.password | quote }}}
{{- if .Values.extra }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: told-extra}
data: {more: "yes"}
{{- end }}
""",
}
TEXT = (MODULES / "kube" / "objects" / "shop.yaml").read_text()


@pytest.fixture(scope="module")
def declared(kube: LiveKube, tmp_path_factory: pytest.TempPathFactory) -> LiveKube:
    """The cluster with the repository that declares its objects."""
    files = {SHOP: TEXT, "deploy/README.md": "kind: Deployment, name: shop\n"}
    repository = bare_repository(tmp_path_factory.mktemp("manifests") / "deploy.git", files)
    kube.register(name=ENDPOINT, repository=repository)
    kube.gateway.grant(ENDPOINT)
    return kube


def change(kube: LiveKube, *argv: str, **more: object) -> ChangeFacts:
    done = kube.kubectl(*argv, config=kube.config(endpoint=ENDPOINT), **more)  # type: ignore[arg-type]
    return drafted(kube, done.stderr.decode())


def drafted(kube: LiveKube, said: str) -> ChangeFacts:
    number = re.search(r"change request (\d+)", said)
    assert number, said
    question = ChangeId(id=int(number[1]))
    return kube.gateway.client("engineer").call("GET /v1/changes/{id}", question, ChangeFacts)


def changed(facts: ChangeFacts) -> list[str]:
    lines = [line for line in facts.diff.splitlines() if line[:1] in ("+", "-")]
    return [line for line in lines if not line.startswith(("+++ ", "--- "))]


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        ("scale deployment shop --replicas=5", ["-  replicas: 1", "+  replicas: 5"]),
        (
            "set image deployment/shop app=registry.example.com/shop:2",
            [
                "-          image: registry.example.com/shop:1",
                "+          image: registry.example.com/shop:2",
            ],
        ),
        (
            "set env deployment/shop LEVEL=on",
            ["+          env:", "+            - name: LEVEL", '+              value: "on"'],
        ),
        (
            "set resources deployment/shop --limits=cpu=1",
            [
                "-            limits: {cpu: 500m, memory: 64Mi}",
                '+            limits: {cpu: "1", memory: 64Mi}',
            ],
        ),
        ("label deployment shop tier=front", ["+  labels:", "+    tier: front"]),
        (
            'patch deployment shop --type=json -p [{"op":"add","path":"/spec/paused","value":true}]',
            ["+  paused: true"],
        ),
        ('patch service shop -p {"spec":{"type":"NodePort"}}', None),
        ("delete service shop", None),
    ],
)
def test_a_write_is_a_patch_of_the_manifest(declared: LiveKube, argv: str, lines: list[str] | None) -> None:
    before = declared.cluster.state()
    facts = change(declared, *argv.split())
    assert [file.path for file in facts.files] == [SHOP]
    if lines is not None:
        assert changed(facts) == lines
    assert not facts.notes
    assert declared.cluster.state() == before


def test_an_applied_manifest_is_the_manifest(declared: LiveKube, tmp_path: Path) -> None:
    edited = TEXT.replace("shop:1\n", "shop:3\n").replace("replicas: 1", "replicas: 2", 1)
    manifest = tmp_path / "shop.yaml"
    (deployment,) = [each for each in edited.split("---\n") if "kind: Deployment" in each]
    manifest.write_text(deployment)
    for how in ((), ("--server-side", "--force-conflicts")):
        facts = change(declared, "apply", *how, "-f", str(manifest))
        assert "+          image: registry.example.com/shop:3" in changed(facts)
        assert "+  replicas: 2" in changed(facts)
        assert len(changed(facts)) == 4


def test_an_edited_object_is_its_edit(declared: LiveKube) -> None:
    editor = {"EDITOR": "sed -i 's/replicas: 1/replicas: 7/'"}
    assert changed(change(declared, "edit", "deployment", "shop", environment=editor)) == [
        "-  replicas: 1",
        "+  replicas: 7",
    ]


def test_a_restart_is_a_redeploy(declared: LiveKube) -> None:
    facts = change(declared, "rollout", "restart", "deployment", "shop")
    assert facts.change.kind == "redeploy"
    assert any("kubectl.kubernetes.io/restartedAt" in line for line in changed(facts))


@pytest.mark.parametrize(
    ("argv", "path", "words"),
    [
        (
            "create configmap made --from-literal=a=b",
            "manifests/shop/configmap-made.yaml",
            "kind: ConfigMap",
        ),
        (
            "create deployment made --image=made:1",
            "manifests/shop/deployment-made.yaml",
            "image: made:1",
        ),
        ("create namespace made", "manifests/namespace-made.yaml", "kind: Namespace"),
        ("expose deployment shop --name=made --port=80", "manifests/shop/service-made.yaml", "port: 80"),
    ],
)
def test_a_new_object_is_a_new_manifest(declared: LiveKube, argv: str, path: str, words: str) -> None:
    facts = change(declared, *argv.split())
    assert [file.path for file in facts.files] == [path]
    assert words in facts.diff
    assert "uid" not in facts.diff


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("cordon node-1", "A node is no part of the repository"),
        ("create secret generic made --from-literal=password=correct-horse", "set it where your Secrets"),
        ("delete pod ticker", "redeploy"),
        ("label pod ticker a=b", "No manifest in the repository declares pods/ticker"),
        ('patch deployment shop -p {"spec":{"replicas":-1}}', "would refuse it"),
    ],
)
def test_what_no_manifest_can_carry_is_a_page(declared: LiveKube, argv: str, words: str) -> None:
    facts = change(declared, *argv.split())
    (page,) = facts.files
    assert page.path.startswith("changes/")
    assert words in facts.diff
    assert "correct-horse" not in facts.diff
    assert "Y29ycmVjdC1ob3JzZQ" not in facts.diff


def test_an_upgrade_by_helm_is_told_by_its_chart_and_values(
    declared: LiveKube, helm: Path, tmp_path: Path
) -> None:
    environment = declared.cluster.client_environment(declared.config(endpoint=ENDPOINT))
    subprocess.run([helm, "create", tmp_path / "chart"], env=environment, check=True, capture_output=True)
    before = declared.cluster.state()
    install = [helm, "install", "made", tmp_path / "chart", "--set", "replicaCount=3,password=correct-horse"]
    done = subprocess.run(install, env=environment, check=False, capture_output=True)
    assert done.returncode == 1
    (page,) = drafted(declared, done.stderr.decode()).files
    assert page.text is not None
    assert "helm upgrade --install made chart --version 0.1.0 --namespace shop" in page.text
    assert "replicaCount: 3" in page.text
    assert "correct-horse" not in page.text
    assert declared.cluster.state() == before


@pytest.fixture
def released(declared: LiveKube, helm: Path, tmp_path: Path) -> Iterator[Path]:
    """The chart of a release that is installed past the gateway."""
    own = declared.cluster.client_environment(declared.cluster.kubeconfig())
    chart = tmp_path / "chart"
    subprocess.run([helm, "create", chart], env=own, check=True, capture_output=True)
    (chart / "values.yaml").write_text(VALUES)
    for template in (chart / "templates").iterdir():
        if template.is_dir():
            shutil.rmtree(template)
        else:
            template.unlink()
    for name, text in TEMPLATES.items():
        (chart / "templates" / name).write_text(text)
    install = [helm, "install", "told", chart, "--namespace", "shop", "--set", "password=correct-horse"]
    subprocess.run(install, env=own, check=True, capture_output=True)
    try:
        yield chart
    finally:
        uninstall = [helm, "uninstall", "told", "--namespace", "shop"]
        subprocess.run(uninstall, env=own, check=True, capture_output=True)


def by_helm(declared: LiveKube, helm: Path, *words: object) -> tuple[ChangeFacts, str]:
    """What became of a command of Helm's, and what it said."""
    through = declared.cluster.client_environment(declared.config(endpoint=ENDPOINT))
    before = declared.cluster.state()
    argv = [str(word) for word in (helm, *words, "--namespace", "shop")]
    done = subprocess.run(argv, env=through, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert declared.cluster.state() == before
    return drafted(declared, done.stderr), done.stderr


def test_an_upgrade_by_helm_becomes_what_it_changes_of_each_object(
    declared: LiveKube, helm: Path, released: Path
) -> None:
    values = ("--set", "replicas=3,extra=true,colour=red,password=correct-horse")
    facts, said = by_helm(declared, helm, "upgrade", "told", released, *values)
    assert len(re.findall(r"change request \d+ ", said)) <= 2, said
    assert said.count("Error") == 1, said
    (page,) = facts.files
    assert page.text is not None
    text = "\n".join(line.removeprefix("    ") for line in page.text.splitlines())
    assert "change deployments.apps/told in shop:\nspec.replicas: 3" in text
    assert 'change configmaps/told in shop:\ndata.colour: "red"' in text
    assert "create configmaps/told-extra in shop:" in text
    assert "the chart of the release told makes it" in " ".join(text.split())
    assert "correct-horse" not in facts.diff + said
    assert "services/told" not in text


def test_an_upgrade_over_masked_values_says_that_nothing_can_be_told_of_it(
    declared: LiveKube, helm: Path, released: Path
) -> None:
    facts, _ = by_helm(declared, helm, "upgrade", "told", released, "--reuse-values", "--set", "replicas=4")
    (page,) = facts.files
    assert page.text is not None
    assert "masked" in page.text
    assert "deployments.apps/told" not in page.text


def test_a_release_that_goes_takes_its_objects_along(declared: LiveKube, helm: Path, released: Path) -> None:
    facts, said = by_helm(declared, helm, "uninstall", "told")
    assert said.count("Error") == 1, said
    (page,) = facts.files
    assert page.text is not None
    assert "helm uninstall told --namespace shop" in page.text
    for name in ("deployments.apps/told", "configmaps/told", "services/told"):
        assert f"delete {name} in shop" in page.text


def test_a_rollback_by_helm_is_what_it_brings_back(declared: LiveKube, helm: Path, released: Path) -> None:
    own = declared.cluster.client_environment(declared.cluster.kubeconfig())
    upgrade = [helm, "upgrade", "told", released, "--namespace", "shop", "--set", "replicas=5,password=x"]
    subprocess.run(upgrade, env=own, check=True, capture_output=True)
    facts, said = by_helm(declared, helm, "rollback", "told", "1")
    assert said.count("Error") == 1, said
    (page,) = facts.files
    assert page.text is not None
    assert "spec.replicas: 1" in page.text
    assert "services/told" not in page.text
    assert "correct-horse" not in page.text


def test_an_object_of_a_release_that_a_manifest_declares_is_changed_there(
    kube: LiveKube, helm: Path, released: Path, tmp_path: Path
) -> None:
    """Such as where manifests are rendered from charts and committed."""
    rendered = TEMPLATES["deployment.yaml"].replace("{{ .Values.replicas }}", "1 # small")
    repository = bare_repository(tmp_path / "rendered.git", {"deploy/told.yaml": rendered})
    kube.register(name="rendered-k8s", repository=repository)
    kube.gateway.grant("rendered-k8s")
    through = kube.cluster.client_environment(kube.config(endpoint="rendered-k8s"))
    upgrade = [helm, "upgrade", "told", released, "--namespace", "shop", "--set", "replicas=3,password=x"]
    done = subprocess.run(upgrade, env=through, check=False, capture_output=True, text=True)
    facts = drafted(kube, done.stderr)
    assert "deploy/told.yaml" in {file.path for file in facts.files}
    assert "-  replicas: 1 # small\n+  replicas: 3 # small\n" in facts.diff


def test_helm_lists_its_releases_without_their_values(declared: LiveKube, helm: Path, tmp_path: Path) -> None:
    own = declared.cluster.client_environment(declared.cluster.kubeconfig())
    through = declared.cluster.client_environment(declared.config(endpoint=ENDPOINT))
    subprocess.run([helm, "create", tmp_path / "chart"], env=own, check=True, capture_output=True)
    install = [
        helm,
        "install",
        "told",
        tmp_path / "chart",
        "--set",
        "a.b=correct-horse",
        "--namespace",
        "shop",
    ]
    subprocess.run(install, env=own, check=True, capture_output=True)
    try:
        for argv in (("list",), ("status", "told"), ("history", "told"), ("get", "values", "told")):
            done = subprocess.run(
                [helm, *argv, "--namespace", "shop"], env=through, check=False, capture_output=True
            )
            assert done.returncode == 0, done.stderr
            assert re.search(b"told|masked|chart-0.1.0", done.stdout)
            assert b"correct-horse" not in done.stdout
    finally:
        uninstall = [helm, "uninstall", "told", "--namespace", "shop"]
        subprocess.run(uninstall, env=own, check=True, capture_output=True)
