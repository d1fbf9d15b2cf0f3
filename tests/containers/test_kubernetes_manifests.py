"""What refused kubectl and helm commands become in the repository: what the cluster itself says they do."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from changes.shop import bare_repository
from go_programs import MODULES

from gateway.web.shapes.changes import ChangeFacts, ChangeId

if TYPE_CHECKING:
    from pathlib import Path

    from live_kube import LiveKube

ENDPOINT = "declared-k8s"
SHOP = "deploy/shop/shop.yaml"
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
