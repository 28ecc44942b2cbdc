#!/usr/bin/env python3
"""Writes what is made from something else, or with --check says what is out of date (status 1).

  from                            to
  crds/*.yaml                     charts/ottoscale/templates/crds/    the same, with a guard, labels and annotations
  deploy/alerts/*.rules.yaml      charts/ottoscale/files/             what the chart's PrometheusRule reads
  deploy/dashboards/dashboards.py deploy/dashboards/*.json            and the chart's copies of them
  charts/ottoscale/values.yaml    charts/ottoscale/README.md          the table of values
  charts/ottoscale (helm)         deploy/install.yaml, deploy/kustomize/{base,overlays/cluster}/*.yaml

The last line needs Helm: --helm PATH, or `helm` on the PATH. Without one it is left out, and said so.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import dashboards.dashboards as boards

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "ottoscale"
NOTE = "Made by deploy/generate.py from %s: change that, and run `make generate`."
NAMESPACE = "ottoscale-system"


def crd_template(name, text):
    """A CRD as a template: what Helm would read as its own is quoted, the metadata gets the chart's labels."""
    text = re.sub(r"\A(#.*\n)+", "", text)
    text = re.sub(r"\{\{|\}\}", lambda brace: '{{ "%s" }}' % brace.group(0), text)
    metadata = (
        '  labels: {{- mergeOverwrite (deepCopy .Values.crds.labels) (include "ottoscale.labels" . | fromYaml)'
        " | toYaml | nindent 4 }}\n"
        '  {{- $keep := ternary (dict "helm.sh/resource-policy" "keep") dict .Values.crds.keep }}\n'
        '  {{- include "ottoscale.annotations" (list . (merge $keep .Values.crds.annotations)) | nindent 2 }}\n'
    )
    text, count = re.subn(r"^(metadata:\n(?:  .*\n)*?)(?=\S)", lambda m: m.group(1) + metadata, text, count=1, flags=re.M)
    if count != 1 or re.search(r"^  (labels|annotations):", text.split("spec:")[0].replace(metadata, ""), re.M):
        sys.exit(f"{name}: expected a metadata with a name and nothing else")
    return "{{- /* %s */ -}}\n{{- if .Values.crds.enabled }}\n%s{{- end }}\n" % (NOTE % f"crds/{name}", text)


def value_rows(text):
    """(key, default, comment) of each value that has a comment; the others belong to the one above them."""
    rows, path, comment = [], [], []
    for line in text.splitlines():
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if not stripped:
            comment = []
        elif stripped.startswith("#"):
            comment.append(stripped[1:].strip())
        elif match := re.match(r"([A-Za-z0-9]+):(.*)", stripped):
            del path[indent // 2 :]
            path.append(match.group(1))
            if comment:
                rows.append((".".join(path), match.group(2).strip(), " ".join(comment)))
            comment = []
    return rows


def chart_readme(values):
    lines = [
        "# The chart `ottoscale`",
        "",
        "```console",
        "$ helm install ottoscale charts/ottoscale --namespace ottoscale-system --create-namespace --wait",
        "```",
        "",
        "Helm 3 and Helm 4, Kubernetes 1.30 and newer. By default the operator watches the namespace that it is installed in",
        "and has rights nowhere else: `watch.namespaces` or `watch.allNamespaces` say more. What it may do is in",
        "[templates/_helpers.tpl](templates/_helpers.tpl), and a test holds that list against the requests of the program:",
        "nothing is missing, and nothing is there that it does not use.",
        "",
        "* **CRDs** are part of the release and brought up to date with each upgrade. `helm uninstall` leaves them and every",
        "  policy, unless `crds.keep` was false. Where another tool owns them: `crds.enabled: false`. Helm refuses kinds that",
        "  another release has left; `--take-ownership` adopts them.",
        "* **Policies** do not belong into the same release: their kind is not there yet when it is installed.",
        "* **Monitoring**: `serviceMonitor.enabled`, `prometheusRule.enabled` and `grafanaDashboards.enabled`; every alert has",
        "  a page in [deploy/runbooks](../../deploy/runbooks).",
        "* **`helm test`** starts the image under the operator's restrictions and lets it check a policy.",
        "* **Wrong values** are refused with their path; there is no value that does nothing.",
        "",
        "## Values",
        "",
        "| Value | Default | What it does |",
        "|---|---|---|",
    ]
    for key, default, comment in value_rows(values):
        escape = lambda text: text.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{key}` | {'`%s`' % escape(default) if default else ''} | {escape(comment)} |")
    return "\n".join(lines) + "\n"


def strip_helm(manifests):
    """What only Helm understands, taken out of what it rendered."""
    drop = re.compile(r"^\s*(helm\.sh/\S+|app\.kubernetes\.io/managed-by): .*\n", re.M)
    text = drop.sub("", manifests)
    text = re.sub(r"^(\s*)annotations:\n(?!\1\s)", "", text, flags=re.M)
    text = re.sub(r"^# Source: .*\n", "", text, flags=re.M)
    documents = [part.strip("\n") + "\n" for part in re.split(r"^---\n", text, flags=re.M) if part.strip()]
    return "---\n".join(documents)


def render(helm, *sets):
    command = [helm, "template", "ottoscale", str(CHART), "--namespace", NAMESPACE, "--kube-version", "1.30.0"]
    sets += ("tests.enabled=false",)
    for one in sets:
        command += ["--set", one]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return strip_helm(done.stdout)


def pick(manifests, wanted):
    """The documents whose kind and name are wanted."""

    def identity(document):
        return re.search(r"^kind: (\S+)", document, re.M).group(1), re.search(r"^  name: (\S+)", document, re.M).group(1)

    return "---\n".join(part for part in re.split(r"^---\n", manifests, flags=re.M) if wanted(*identity(part)))


NAMESPACE_OBJECT = f"""apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


def chart_files():
    """{path: text} of what is generated without Helm."""
    made = {}
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        made[CHART / "templates" / "crds" / path.name] = crd_template(path.name, path.read_text())
    rules = (ROOT / "deploy" / "alerts" / "ottoscale.rules.yaml").read_text()
    made[CHART / "files" / "ottoscale.rules.yaml"] = rules
    for name, text in boards.render().items():
        made[ROOT / "deploy" / "dashboards" / name] = text
        made[CHART / "files" / "dashboards" / name] = text
    made[CHART / "README.md"] = chart_readme((CHART / "values.yaml").read_text())
    return made


def manifests(helm):
    """{path: text} of what Helm renders from the chart as it is on the disk."""
    note = "# " + NOTE % "charts/ottoscale"
    made = {}
    made[ROOT / "deploy" / "install.yaml"] = (
        f"{note}\n# Everything in one file, watching every namespace: kubectl apply --server-side -f deploy/install.yaml\n"
        "# With rights in one namespace only: deploy/kustomize/base, or the chart.\n"
        f"{NAMESPACE_OBJECT}---\n{render(helm, 'watch.allNamespaces=true')}"
    )
    wide = render(helm, "watch.allNamespaces=true")
    kustomize = ROOT / "deploy" / "kustomize"
    base = pick(render(helm), lambda kind, name: kind != "CustomResourceDefinition")
    made[kustomize / "base" / "ottoscale.yaml"] = f"{note}\n{base}"
    crds = pick(wide, lambda kind, name: kind == "CustomResourceDefinition")
    made[kustomize / "base" / "crds.yaml"] = f"{note}\n{crds}"
    of_operator = lambda kind, name: kind.startswith("ClusterRole") and not name.endswith(("-view", "-edit"))
    made[kustomize / "overlays" / "cluster" / "rbac.yaml"] = f"{note}\n{pick(wide, of_operator)}"
    return made


def stale(made):
    """Files that nothing makes any more."""
    for folder in (CHART / "templates" / "crds", CHART / "files", CHART / "files" / "dashboards"):
        yield from (path for path in folder.glob("*.*") if path.is_file() and path not in made)


def update(made, check):
    """Writes what differs, unless it is only a check; the paths that did."""
    wrong = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    for path in [] if check else wrong:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path])
    return wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--helm", default=shutil.which("helm"))
    options = arguments.parse_args()
    if not options.helm:
        print("no Helm: deploy/install.yaml and deploy/kustomize are left as they are", file=sys.stderr)
    made = chart_files()
    wrong = update(made, options.check)
    for path in stale(made):
        wrong.append(path)
        if not options.check:
            path.unlink()
    if options.helm:
        wrong += update(manifests(options.helm), options.check)
    for path in wrong:
        print(("out of date: " if options.check else "written: ") + str(path.relative_to(ROOT)))
    return 1 if options.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
