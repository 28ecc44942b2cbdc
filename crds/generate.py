#!/usr/bin/env python3
"""Writes crds/*.yaml and crds/README.md, or with --check says which of them is out of date (status 1).

Sources: pkg/manifest/schema/*.yaml (the kinds, and shapes that they share), pkg/providers/*/schema.yaml (what a provider
adds: alternatives of spec.target, of spec.metrics[].source, and of CloudAccount's spec), pkg/manifest/schema/readme.md
(the page around the tables), pkg/manifest/schema/reasons.yaml with the names in pkg/decision.

A source is the JSON Schema of a CRD with short forms, so that nothing is said twice:

  use: NAME             everything of that shape in common.yaml, under what stands here
  type: int | int64     an integer with its format; type: time is a date-time
  decimal: true         int-or-string, a plain decimal without sign, suffix or exponent
  enum: [...]           a string, one of these
  list: atomic|set|map  an array; keys: of a map
  rules:                x-kubernetes-validations; messageExpression has the decoder's words, message the general ones
  unit: seconds         goes into the description
  unset: true           an object whose absence means something: it gets no default
  union: {Type: {member: name, ...schema}}, or the name of what providers add: the field `type`, one member for each
                        alternative, and the rules that exactly the one which `type` names is there
  unionDefault: Type    of a union: what `type` is when it is absent; an alternative without member

Bounds and defaults are added to descriptions. An object gets `default: {}` when something in it has a default, so that
this appears without it; not when something in it is required, and never a member of a union.
"""
import argparse
import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "pkg" / "manifest" / "schema"
KINDS = ["scalingpolicy", "cloudaccount", "notificationchannel"]
GROUP, VERSION = "ottoscale.dev", "v1alpha1"
INTEGERS = {"int": "int32", "int64": "int64"}
# What is written in this order; the rest of a schema follows.
ORDER = ["type", "format", "x-kubernetes-int-or-string", "anyOf", "description", "enum", "minimum", "maximum", "minLength",
         "maxLength", "pattern", "minItems", "maxItems", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "default",
         "required", "x-kubernetes-validations", "properties", "items"]


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def provider_parts():
    """{"target": {"HerokuFormation": {...}}, "source": {...}, "account": {...}}, in the order of the folders."""
    parts = {}
    for path in sorted(ROOT.glob("pkg/providers/*/schema.yaml")):
        for slot, alternatives in load(path).items():
            parts.setdefault(slot, {}).update(alternatives)
    return parts


def words(names, last="or"):
    names = list(names)
    return names[0] if len(names) == 1 else "%s %s %s" % (", ".join(names[:-1]), last, names[-1])


def bounds_sentence(field, unit):
    low, high = field.get("minimum"), field.get("maximum")
    if low is None or high is None:
        return ""
    span = "from %s to %s" % (low, high) if low != high else "always %s" % low
    return "In %s, %s." % (unit, span) if unit else "%s%s." % (span[0].upper(), span[1:])


def list_sentence(field):
    low, high = field.get("minItems", 0), field.get("maxItems")
    return "%s to %s items." % (low, high) if low else "At most %s items." % high


def described(field, source):
    """The description with the bounds and the default that the field has."""
    sentences = [source["description"].strip()]
    if field.get("type") == "integer" or source.get("decimal"):
        sentences.append(bounds_sentence(field, source.get("unit")))
    if field.get("type") == "array":
        sentences.append(list_sentence(field))
    if field.get("type") == "string" and "maxLength" in field and "format" not in field:
        sentences.append("At most %s characters." % field["maxLength"])
    default = field.get("default")
    if default not in (None, {}) and "The default is" not in source["description"]:
        text = default if isinstance(default, str) else json.dumps(default)
        sentences.append("The default is %s." % (text or "empty") if default != [] else "The default is none.")
    return " ".join(sentence for sentence in sentences if sentence)


class Expander:
    def __init__(self):
        self.common = load(SCHEMA / "common.yaml")
        self.parts = provider_parts()

    def union(self, source):
        """The schema of a union: type, members, and the rules that tie them together."""
        alternatives = source["union"]
        if isinstance(alternatives, str):
            alternatives = self.parts[alternatives]
        members = {each["member"]: name for name, each in alternatives.items() if "member" in each}
        bare = [name for name in alternatives if name not in members.values()]
        text = "Names the member that is set: %s." % words(members.values())
        if bare:
            text = "Names the member that is set: %s; %s none." % (words(members.values()), words(bare, "and") + (" have" if bare[1:] else " has"))
        # A Kubernetes API server tries the rules on an object's own default too, which is {} there.
        unless = "!has(self.type) || " if "unionDefault" in source else ""
        rules = [
            rule
            for member, name in members.items()
            for rule in (
                {
                    "rule": unless + "self.type != '%s' || has(self.%s)" % (name, member),
                    "message": "is required: `type` is '%s'" % name,
                    "fieldPath": ".%s" % member,
                },
                {
                    "rule": unless + "self.type == '%s' || !has(self.%s)" % (name, member),
                    "message": "must not be set when `type` is another than '%s'" % name,
                    "messageExpression": "'must not be set when `type` is \\'' + self.type + '\\''",
                    "fieldPath": ".%s" % member,
                },
            )
        ]
        own = source.get("properties", {})
        kind = {"enum": list(alternatives), "description": text}
        if "unionDefault" in source:
            kind["default"] = source["unionDefault"]
        properties = {"type": kind}
        properties.update({"name": own["name"]} if "name" in own else {})
        for each in alternatives.values():
            if "member" in each:
                member = {key: value for key, value in each.items() if key != "member"}
                properties[each["member"]] = {"type": "object", "member": True, **member}
        properties.update({key: value for key, value in own.items() if key not in properties})
        rest = {key: value for key, value in source.items() if key not in ("union", "unionDefault", "properties", "rules", "required")}
        required = source.get("required", []) + ([] if "unionDefault" in source else ["type"])
        return {
            **rest,
            "type": "object",
            **({"required": required} if required else {}),
            "rules": rules + source.get("rules", []),
            "properties": properties,
        }

    def field(self, source):
        """One field of a source as a schema of a CRD."""
        if "use" in source:
            source = {**self.common[source["use"]], **{key: value for key, value in source.items() if key != "use"}}
        if "union" in source:
            source = self.union(source)
        out = {}
        for key, value in source.items():
            if key in ("description", "properties", "items", "unit", "member", "unset", "list", "keys", "decimal", "rules"):
                continue
            out[key] = value
        if out.get("type") in INTEGERS:
            out.update({"type": "integer", "format": INTEGERS[out["type"]]})
        if out.get("type") == "time":
            out.update({"type": "string", "format": "date-time"})
        if "enum" in out:
            out["type"] = "string"
        if source.get("decimal"):
            out["x-kubernetes-int-or-string"] = True
            out["anyOf"] = [{"type": "integer"}, {"type": "string"}]
            out.update({"maxLength": 25, "pattern": r"^[0-9]{1,12}(\.[0-9]{1,12})?$"})
        if "list" in source:
            out.update({"type": "array", "x-kubernetes-list-type": source["list"]})
            if "keys" in source:
                out["x-kubernetes-list-map-keys"] = source["keys"]
            out["items"] = self.field(source["items"])
        if "rules" in source:
            out["x-kubernetes-validations"] = source["rules"]
        if "properties" in source:
            out["properties"] = {name: self.field(child) for name, child in source["properties"].items()}
            inner = any("default" in child for child in out["properties"].values())
            # Something required has no default, so neither has what it stands in; a union's member never has one.
            if inner and not out.get("required") and not source.get("member") and not source.get("unset"):
                out["default"] = {}
        out["description"] = described(out, source)
        return {key: out[key] for key in ORDER if key in out}


def definition(source, expander):
    """The CustomResourceDefinition of a kind."""
    kind = source["kind"]
    properties = {
        "apiVersion": {"type": "string", "description": "'%s/%s'." % (GROUP, VERSION)},
        "kind": {"type": "string", "description": "'%s'." % kind},
        "metadata": {"type": "object"},
        "spec": expander.field(source["spec"]),
    }
    version = {"name": VERSION, "served": True, "storage": True}
    if "status" in source:
        properties["status"] = expander.field(source["status"])
        version["subresources"] = {"status": {}}
    version["additionalPrinterColumns"] = source["columns"]
    version["selectableFields"] = [{"jsonPath": path} for path in source["selectable"]]
    version["schema"] = {
        "openAPIV3Schema": {
            "type": "object",
            "description": source["description"],
            "required": ["spec"],
            "properties": properties,
        }
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "%s.%s" % (source["plural"], GROUP)},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": kind + "List",
                "plural": source["plural"],
                "singular": kind.lower(),
                "shortNames": [source["shortName"]],
                "categories": ["ottoscale"],
            },
            "versions": [version],
        },
    }


class Dumper(yaml.SafeDumper):
    """Lists of plain values on one line, long texts folded, no anchors."""

    def ignore_aliases(self, data):
        return True


def represent_list(dumper, data):
    flat = all(not isinstance(each, (dict, list)) for each in data) or data and list(data[0]) == ["type"]
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=bool(flat))


def represent_dict(dumper, data):
    return dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style="jsonPath" in data and "name" in data)


def represent_text(dumper, data):
    style = ">" if len(data) > 90 and " " in data and "\n" not in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


Dumper.add_representer(list, represent_list)
Dumper.add_representer(dict, represent_dict)
Dumper.add_representer(str, represent_text)


def crd_file(source, crd):
    head = (
        "# The kind %s of %s/%s: %s.\n# Made by crds/generate.py from pkg/manifest/schema/%s.yaml and"
        " pkg/providers/*/schema.yaml:\n# change those, and run `make generate`. crds/README.md has every field on one page.\n"
    )
    body = yaml.dump(crd, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)
    return head % (source["kind"], GROUP, VERSION, source["summary"], source["kind"].lower()) + body


def type_words(field):
    if "enum" in field:
        return words("`%s`" % name for name in field["enum"])
    low, high = field.get("minimum"), field.get("maximum")
    kind = "decimal" if field.get("x-kubernetes-int-or-string") else field["type"]
    if kind in ("decimal", "integer") and high is not None:
        return "%s, %s to %s" % (kind, low, high)
    if kind == "integer" and low is not None:
        return "integer, %s or more" % low
    if kind == "array":
        return "list, %s to %s" % (field.get("minItems", 0), field["maxItems"])
    if field.get("format") == "date-time":
        return "time"
    return "string, at most %s" % field["maxLength"] if kind == "string" else kind


def rows(field, path):
    """A row of the table for each field below `field`."""
    if field.get("type") == "array":
        yield from rows(field["items"], path + "[]")
    for name, child in field.get("properties", {}).items():
        default = "`%s`" % json.dumps(child["default"]) if "default" in child else ""
        if name in field.get("required", []):
            default = "required"
        below = "%s.%s" % (path, name)
        yield "| `%s` | %s | %s | %s |" % (below, type_words(child), default, child["description"].replace("|", "\\|"))
        yield from rows(child, below)


def rule_rows(field, path):
    """A row for each CEL rule."""
    for rule in field.get("x-kubernetes-validations", []):
        yield "| `%s%s` | %s |" % (path, rule.get("fieldPath", ""), rule["message"])
    if field.get("type") == "array":
        yield from rule_rows(field["items"], path + "[]")
    for name, child in field.get("properties", {}).items():
        yield from rule_rows(child, "%s.%s" % (path, name))


def names_in(path, pattern):
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.findall(pattern, text)


def body_of(path, function):
    """The text of one function of a source file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.search(r"%s\([^)]*\) \{\n(.*?)\n\}\n" % function, text, re.S).group(1)


def meaning_rows(title, names, meanings):
    """Rows of `names`, which the code has, with `meanings`, which a person wrote. They must agree."""
    wrong = sorted(set(names) ^ set(meanings))
    if wrong:
        sys.exit("pkg/manifest/schema/reasons.yaml: %s: the code and this table differ in %s" % (title, ", ".join(wrong)))
    return ["| `%s` | %s |" % (name, meanings[name]) for name in dict.fromkeys(names)]


def reason_tables():
    meanings = load(SCHEMA / "reasons.yaml")
    codes = re.findall(r'return "(\w+)"', body_of("pkg/decision/names.cc", "CodeName"))
    faults = re.findall(r'return "(\w+)"', body_of("pkg/decision/names.cc", "FaultName"))
    samples = re.findall(r'return "(\w+)"', body_of("pkg/decision/names.cc", "MissingReasonName"))[1:]
    events = names_in("pkg/decision/events.cc", r'(?:Normal|Warning)\((?:[^"();]*\? )?"(\w+)"(?: : "(\w+)")?')
    events = [name for pair in events for name in pair if name]
    events += names_in("pkg/decision/events.cc", r'TellLimit\(step, "(\w+)"')
    return {
        "decisions": meaning_rows("decisions", codes, meanings["decisions"]),
        "faults": meaning_rows("faults", faults, meanings["faults"]),
        "samples": meaning_rows("samples", samples, meanings["samples"]),
        "events": meaning_rows("events", events, meanings["events"]),
    }


def check_conditions(text):
    """The table of conditions is written by hand, since its last column is: its reasons must be those of the code."""
    table = text[text.index("| Type | Status | Reason | When |") :]
    written = set(re.findall(r"`(\w+)`", "".join(line.split("|")[3] for line in table.split("\n\n")[0].splitlines()[2:])))
    sources = [path for folder in ("decision", "reconcile", "ports", "providers") for path in ROOT.glob("pkg/%s/**/*.cc" % folder)]
    code = "".join(path.read_text(encoding="utf-8") for path in sources if not path.name.endswith("_test.cc"))
    said = set(names_in("pkg/decision/conditions.cc", r'(?:True|False)\("(\w+)"'))
    said |= set(re.findall(r'(?:NotReady\(|\breason = )"(\w+)"', code))
    wrong = sorted(said - written | {name for name in written if '"%s"' % name not in code} - {"Ready", "AbleToScale", "Stalled"})
    if wrong:
        sys.exit("pkg/manifest/schema/readme.md: conditions: the code and the table differ in %s" % ", ".join(wrong))


def readme(crds):
    """readme.md with each line {{...}} replaced by the rows of a table."""
    kinds = {crd["spec"]["names"]["kind"]: crd for crd in crds}
    tables = reason_tables()

    def table(match):
        what, _, kind = match.group(1).partition(" ")
        if what in tables:
            return "\n".join(tables[what])
        schema = kinds[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        make = {"spec": rows, "status": rows, "rules": rule_rows}[what]
        part = "spec" if what == "rules" else what
        return "\n".join(make(schema[part], part))

    text = (SCHEMA / "readme.md").read_text(encoding="utf-8")
    check_conditions(text)
    return re.sub(r"^\{\{(.+)\}\}$", table, text, flags=re.M)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 when something is out of date")
    check = parser.parse_args().check
    expander = Expander()
    sources = [load(SCHEMA / ("%s.yaml" % kind)) for kind in KINDS]
    crds = [definition(source, expander) for source in sources]
    files = {source["plural"] + ".yaml": crd_file(source, crd) for source, crd in zip(sources, crds)}
    files["README.md"] = readme(crds)
    stale = []
    for name, text in files.items():
        path = ROOT / "crds" / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append("crds/%s" % name)
        if not check:
            path.write_text(text, encoding="utf-8")
            print("wrote crds/%s" % name)
    if check and stale:
        sys.exit("out of date, run `make generate`: %s" % ", ".join(stale))


if __name__ == "__main__":
    main()
