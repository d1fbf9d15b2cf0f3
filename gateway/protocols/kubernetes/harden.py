"""The YAML that makes the right identities in a cluster: one only reads, one writes in dry-runs only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.domain.endpoint import Endpoint

NAMESPACE: Final = "glassgate"
READER: Final = "reader"
DRY_RUN: Final = "dry-run"

READ: Final[Mapping[str, tuple[str, ...]]] = {
    "": (
        "bindings",
        "componentstatuses",
        "configmaps",
        "endpoints",
        "events",
        "limitranges",
        "namespaces",
        "namespaces/status",
        "nodes",
        "nodes/status",
        "persistentvolumeclaims",
        "persistentvolumeclaims/status",
        "persistentvolumes",
        "persistentvolumes/status",
        "pods",
        "pods/log",
        "pods/resize",
        "pods/status",
        "podtemplates",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "replicationcontrollers/status",
        "resourcequotas",
        "resourcequotas/status",
        "serviceaccounts",
        "services",
        "services/status",
    ),
    "admissionregistration.k8s.io": (
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicies/status",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    ),
    "apiextensions.k8s.io": ("customresourcedefinitions", "customresourcedefinitions/status"),
    "apiregistration.k8s.io": ("apiservices", "apiservices/status"),
    "apps": (
        "controllerrevisions",
        "daemonsets",
        "daemonsets/status",
        "deployments",
        "deployments/scale",
        "deployments/status",
        "replicasets",
        "replicasets/scale",
        "replicasets/status",
        "statefulsets",
        "statefulsets/scale",
        "statefulsets/status",
    ),
    "autoscaling": ("horizontalpodautoscalers", "horizontalpodautoscalers/status"),
    "batch": ("cronjobs", "cronjobs/status", "jobs", "jobs/status"),
    "certificates.k8s.io": (
        "certificatesigningrequests",
        "certificatesigningrequests/approval",
        "certificatesigningrequests/status",
        "clustertrustbundles",
    ),
    "coordination.k8s.io": ("leasecandidates", "leases"),
    "discovery.k8s.io": ("endpointslices",),
    "events.k8s.io": ("events",),
    "flowcontrol.apiserver.k8s.io": (
        "flowschemas",
        "flowschemas/status",
        "prioritylevelconfigurations",
        "prioritylevelconfigurations/status",
    ),
    "metrics.k8s.io": ("nodes", "pods"),
    "networking.k8s.io": (
        "ingressclasses",
        "ingresses",
        "ingresses/status",
        "ipaddresses",
        "networkpolicies",
        "servicecidrs",
        "servicecidrs/status",
    ),
    "node.k8s.io": ("runtimeclasses",),
    "policy": ("poddisruptionbudgets", "poddisruptionbudgets/status"),
    "rbac.authorization.k8s.io": ("clusterrolebindings", "clusterroles", "rolebindings", "roles"),
    "resource.k8s.io": ("deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices"),
    "scheduling.k8s.io": ("priorityclasses",),
    "storage.k8s.io": (
        "csidrivers",
        "csinodes",
        "csistoragecapacities",
        "storageclasses",
        "volumeattachments",
        "volumeattachments/status",
        "volumeattributesclasses",
    ),
}
"""What may be read, by name: ``*`` would take in Secrets, exec and proxies, whatever they are called next."""

TRIED: Final[Mapping[str, tuple[str, ...]]] = {
    "": (
        "configmaps",
        "limitranges",
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "networking.k8s.io": ("ingressclasses", "ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
    "scheduling.k8s.io": ("priorityclasses",),
    "storage.k8s.io": ("storageclasses",),
}
"""What changes are tried out on: main resources; no Secret, no subresource, nothing that grants rights, and
nothing of admission, which no policy can guard."""


def harden(endpoint: Endpoint) -> str:
    """Return YAML for ``kubectl apply -f -``, to be read first; again it changes nothing.

    Args:
        endpoint: whose identities it makes right.
    """
    name = " ".join(endpoint.name.split())
    return f"""# The identities that the gateway reads {name} with. Applied by an administrator there:
#   glassgate endpoint harden {name} | kubectl apply -f -
# Then give the endpoint the reader's token, and see whether all is right:
#   kubectl -n {NAMESPACE} get secret {READER}-token -o jsonpath='{{.data.token}}' | base64 -d
#   glassgate endpoint check {name}
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
---
# it reads, and nothing else: resources by name, so that no Secret, exec or proxy is among them
{_account(READER)}---
{_role(READER, READ, ("get", "list", "watch"))}\
# For commands in pods (kubectl exec, cp out of one), which the gateway judges one by one. What they run is
# the image's own: the endpoint is no longer read by a role alone, so set require to default with this.
#  - apiGroups: [""]
#    resources: [pods/exec]
#    verbs: [get, create]
# For Secrets, whose values the gateway masks unless a grant includes them; the same holds of them.
#  - apiGroups: [""]
#    resources: [secrets]
#    verbs: [get, list, watch]
# For your own resources, by group and name:
#  - apiGroups: [shop.example.com]
#    resources: [orders]
#    verbs: [get, list, watch]
---
{_binding(READER)}---
# whatever the second identity is allowed to, it does in dry-runs alone: in force before it may do anything
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {NAMESPACE}-{DRY_RUN}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"]}}
  matchConditions:
    - name: the-dry-run-identity
      expression: request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{DRY_RUN}'
  validations:
    - expression: has(request.dryRun) && request.dryRun == true
      reason: Forbidden
      message: this identity of the gateway's changes nothing; it writes in dry-runs only
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {NAMESPACE}-{DRY_RUN}
spec:
  policyName: {NAMESPACE}-{DRY_RUN}
  validationActions: [Deny]
---
# it tries changes out for kubectl diff and for change requests, which then show what the cluster would make
# of them; a second token of the endpoint: {{"token": "READER'S", "dry_runs": {{"token": "ITS OWN"}}}}
{_account(DRY_RUN)}---
{_role(DRY_RUN, TRIED, ("get", "list", "create", "update", "patch", "delete"))}---
{_binding(DRY_RUN)}"""


def _account(name: str) -> str:
    """Return a service account with a token that lasts."""
    return f"""apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {NAMESPACE}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: {name}-token
  namespace: {NAMESPACE}
  annotations:
    kubernetes.io/service-account.name: {name}
"""


def _role(name: str, resources: Mapping[str, tuple[str, ...]], verbs: Iterable[str]) -> str:
    rules = "".join(
        f'  - apiGroups: ["{group}"]\n'
        "    resources:\n"
        + "".join(f"      - {each}\n" for each in names)
        + f"    verbs: [{', '.join(verbs)}]\n"
        for group, names in resources.items()
    )
    return f"""apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {NAMESPACE}-{name}
rules:
{rules}"""


def _binding(name: str) -> str:
    return f"""apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {NAMESPACE}-{name}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {NAMESPACE}-{name}}}
subjects:
  - {{kind: ServiceAccount, name: {name}, namespace: {NAMESPACE}}}
"""
