"""The three Grafana dashboards, as data: render() gives {file name: JSON}. deploy/generate.py writes them.

Only series of our own are asked for, and those of the names that every operator has. Every matcher of a variable is =~,
because "All" is a pattern. No panel looks at the labels that a scrape adds (namespace, pod, ...), except job and instance.
"""
import json

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
POLICY = 'job=~"$job",policy_namespace=~"$policy_namespace",policy=~"$policy"'
OWN = 'job=~"$job"'
RATE = "$__rate_interval"


def variable(name, label, query, *, multi=True):
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": multi,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": "All", "value": "$__all"},
    }


def variables(*names):
    every = {
        "job": variable("job", "Job", "label_values(ottoscale_build_info, job)"),
        "instance": variable("instance", "Instance", 'label_values(ottoscale_build_info{job=~"$job"}, instance)'),
        "policy_namespace": variable(
            "policy_namespace", "Namespace", 'label_values(ottoscale_policy_info{job=~"$job"}, policy_namespace)'
        ),
        "policy": variable(
            "policy",
            "Policy",
            'label_values(ottoscale_policy_info{job=~"$job",policy_namespace=~"$policy_namespace"}, policy)',
        ),
    }
    source = {"name": "datasource", "label": "Data Source", "type": "datasource", "query": "prometheus", "refresh": 1}
    return {"list": [source | {"current": {}}] + [every[name] for name in names]}


class Board:
    """Panels from left to right, top to bottom, on Grafana's grid of 24 columns."""

    def __init__(self, uid, title, description, names, annotations=()):
        self.panels = []
        self.x = self.y = self.row_height = 0
        self.head = {
            "id": None,
            "uid": uid,
            "title": title,
            "description": description,
            "tags": ["ottoscale"],
            "schemaVersion": 39,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "browser",
            "templating": variables(*names),
            "annotations": {"list": list(annotations)},
            "links": [
                {
                    "type": "dashboards",
                    "title": "Ottoscale",
                    "tags": ["ottoscale"],
                    "asDropdown": True,
                    "includeVars": True,
                    "keepTime": True,
                }
            ],
        }

    def add(self, kind, title, description, queries, *, width, height=8, unit="short", **more):
        """`queries`: [(expression, legend)]."""
        if self.x + width > 24:
            self.x, self.y, self.row_height = 0, self.y + self.row_height, 0
        instant = kind in ("stat", "table")
        targets = [
            {
                "refId": chr(ord("A") + number),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
                "format": "table" if kind == "table" else "time_series",
            }
            for number, (expression, legend) in enumerate(queries)
        ]
        defaults = {"unit": unit, "min": more.pop("min", None)} | more.pop("defaults", {})
        self.panels.append(
            {
                "id": len(self.panels) + 1,
                "type": kind,
                "title": title,
                "description": description,
                "datasource": DATASOURCE,
                "gridPos": {"x": self.x, "y": self.y, "w": width, "h": height},
                "targets": targets,
                "fieldConfig": {
                    "defaults": {key: value for key, value in defaults.items() if value is not None},
                    "overrides": more.pop("overrides", []),
                },
                "options": more.pop("options", {}),
            }
            | more
        )
        self.x += width
        self.row_height = max(self.row_height, height)

    def lines(self, title, description, queries, *, width=12, steps=False, stack=False, **more):
        custom = {"lineWidth": 2 if steps else 1, "fillOpacity": 20 if stack else 0}
        if steps:
            custom["lineInterpolation"] = "stepAfter"
        if stack:
            custom["stacking"] = {"mode": "normal", "group": "A"}
        options = {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
        self.add(
            "timeseries", title, description, queries, width=width, options=options, defaults={"custom": custom}, **more
        )

    def number(self, title, description, expression, *, width=4, height=4, warn=None, **more):
        steps = [{"color": "green", "value": None}] + ([{"color": "orange", "value": warn}] if warn is not None else [])
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"}
        self.add(
            "stat",
            title,
            description,
            [(expression, "")],
            width=width,
            height=height,
            options=options,
            defaults={"thresholds": {"mode": "absolute", "steps": steps}},
            **more,
        )

    def table(self, title, description, expression, renamed, *, width=12, **more):
        hidden = {"Time": True, "__name__": True, "job": True, "instance": True, "endpoint": True}
        hidden |= {"container": True, "namespace": True, "pod": True, "service": True}
        organize = {
            "id": "organize",
            "options": {"excludeByName": hidden, "renameByName": {"policy_namespace": "namespace "} | renamed},
        }
        self.add("table", title, description, [(expression, "")], width=width, transformations=[organize], **more)

    def render(self):
        return json.dumps(self.head | {"panels": self.panels}, indent=2, ensure_ascii=False) + "\n"


def dashed(*names):
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [
                {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
                {"id": "color", "value": {"mode": "fixed", "fixedColor": "semi-dark-orange"}},
            ],
        }
        for name in names
    ]


def overview():
    board = Board(
        "ottoscale-overview",
        "Ottoscale / Fleet overview",
        "All policies: which scale, which are at a bound, which need somebody.",
        ["job", "policy_namespace"],
    )
    where = 'job=~"$job",policy_namespace=~"$policy_namespace"'
    board.number("Policies", "Policies that the leader knows.", f"count(ottoscale_policy_info{{{where}}}) or vector(0)")
    board.number(
        "Not ready",
        "Policies whose target cannot be scaled.",
        f'count(ottoscale_policy_condition{{{where},type="Ready",status="True"}} == 0) or vector(0)',
        warn=1,
    )
    board.number(
        "At maximum",
        "Policies that serve with as many instances as they may have.",
        f"count(ottoscale_policy_current_capacity{{{where}}} >= ottoscale_policy_max_capacity"
        " and ottoscale_policy_max_capacity > ottoscale_policy_min_capacity) or vector(0)",
        warn=1,
    )
    board.number(
        "Suspended",
        "Policies with at least one direction suspended.",
        f"count(max by (policy_namespace, policy) (ottoscale_policy_suspended{{{where}}}) == 1) or vector(0)",
        warn=1,
    )
    board.number(
        "Recommend only",
        "Policies that decide and report, and never write.",
        f"sum(ottoscale_policy_recommend_only{{{where}}}) or vector(0)",
    )
    board.number(
        "Oldest reading",
        "How long ago the metric that was not read for longest was read.",
        f"time() - min(ottoscale_metric_last_success_timestamp_seconds{{{where}}})",
        unit="s",
        warn=300,
    )
    board.lines(
        "Instances",
        "Of all policies together.",
        [
            (f"sum(ottoscale_policy_current_capacity{{{where}}})", "serve"),
            (f"sum(ottoscale_policy_desired_capacity{{{where}}})", "wanted"),
            (f"sum(ottoscale_policy_max_capacity{{{where}}})", "allowed"),
        ],
        steps=True,
        min=0,
    )
    board.lines(
        "Changes",
        "Writes to clouds in the last five minutes, by how they ended.",
        [
            (
                f"sum by (direction, result) (increase(ottoscale_scale_operations_total{{{where}}}[5m])) > 0"
                f" or sum by (direction, result) (ottoscale_scale_operations_total{{{where},result=\"success\"}} * 0)",
                "{{direction}} {{result}}",
            )
        ],
        stack=True,
        min=0,
    )
    board.table(
        "At maximum",
        "More load would not be answered by more instances.",
        f"ottoscale_policy_current_capacity{{{where}}} >= ottoscale_policy_max_capacity"
        " and ottoscale_policy_max_capacity > ottoscale_policy_min_capacity",
        {"Value": "instances"},
    )
    board.table(
        "Not ready",
        "Policies whose target cannot be scaled; `kubectl describe` says why.",
        f'ottoscale_policy_condition{{{where},type="Ready",status="True"}} == 0',
        {"Value": "ready"},
    )
    board.lines(
        "Readings that failed",
        "By policy and metric, a second.",
        [
            (
                f'sum by (policy_namespace, policy, metric) (rate(ottoscale_metric_polls_total{{{where},result!="success"}}[{RATE}]))',
                "{{policy_namespace}}/{{policy}} {{metric}}",
            )
        ],
        unit="reqps",
        min=0,
    )
    board.lines(
        "Requests to clouds and heartbeats",
        "By answer, a second.",
        [
            (
                f"sum by (provider, code) (rate(ottoscale_provider_requests_total{{{OWN}}}[{RATE}]))",
                "{{provider}} {{code}}",
            )
        ],
        unit="reqps",
        stack=True,
        min=0,
    )
    return board


def policy():
    changes = {
        "name": "Capacity changes",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "semi-dark-blue",
        "expr": f"changes(ottoscale_policy_current_capacity{{{POLICY}}}[1m]) > 0",
        "step": "1m",
        "titleFormat": "capacity changed",
        "textFormat": "{{policy_namespace}}/{{policy}}",
    }
    board = Board(
        "ottoscale-policy",
        "Ottoscale / Policy",
        "One policy: what was measured, what was decided, what the cloud did.",
        ["job", "policy_namespace", "policy"],
        [changes],
    )
    name = "{{policy_namespace}}/{{policy}}"
    board.number("Serving", "Instances that serve.", f"sum(ottoscale_policy_current_capacity{{{POLICY}}})")
    board.number("Wanted", "Instances that the policy wants now.", f"sum(ottoscale_policy_desired_capacity{{{POLICY}}})")
    board.number(
        "Last change",
        "How long ago capacity was changed.",
        f"time() - max(ottoscale_last_scale_timestamp_seconds{{{POLICY}}} > 0) or vector(0)",
        unit="s",
    )
    board.number(
        "Changes, last hour",
        "That the cloud accepted.",
        f'sum(increase(ottoscale_scale_operations_total{{{POLICY},result="success"}}[1h]))',
    )
    board.number(
        "By others, last hour",
        "Changes of the target that somebody else made.",
        f"sum(increase(ottoscale_external_changes_total{{{POLICY}}}[1h]))",
    )
    board.number(
        "Windows open",
        "Windows of the schedule that are open now.",
        f"sum(ottoscale_schedule_active{{{POLICY}}}) or vector(0)",
    )
    board.lines(
        "Capacity",
        "Instances that serve, that the cloud was told, and that the policy wants; the bounds in force are dashed.",
        [
            (f"ottoscale_policy_current_capacity{{{POLICY}}}", f"{name} serves"),
            (f"ottoscale_policy_target_capacity{{{POLICY}}}", f"{name} told"),
            (f"ottoscale_policy_desired_capacity{{{POLICY}}}", f"{name} wants"),
            (f"ottoscale_policy_recommended_capacity{{{POLICY}}}", f"{name} before limits"),
            (f"max(ottoscale_policy_min_capacity{{{POLICY}}})", "minimum"),
            (f"max(ottoscale_policy_max_capacity{{{POLICY}}})", "maximum"),
        ],
        width=24,
        steps=True,
        min=0,
        overrides=dashed("minimum", "maximum"),
    )
    board.lines(
        "Metrics",
        "The samples that count, and their thresholds, dashed. Times are in seconds.",
        [
            (f"ottoscale_policy_metric_value{{{POLICY}}}", name + " {{metric}}"),
            (f'max by (metric) (ottoscale_policy_metric_threshold{{{POLICY},bound="lower"}})', "lower"),
            (f'max by (metric) (ottoscale_policy_metric_threshold{{{POLICY},bound="upper"}})', "upper"),
        ],
        width=12,
        min=0,
        overrides=dashed("lower", "upper"),
    )
    board.lines(
        "Samples in a row outside the thresholds",
        "A change comes when enough of them have followed each other.",
        [(f"ottoscale_policy_consecutive_breaches{{{POLICY}}}", name + " {{metric}} {{direction}}")],
        width=12,
        steps=True,
        min=0,
    )
    board.lines(
        "Decisions",
        "What was decided, and the reason that bound it, a second.",
        [
            (
                f"sum by (action, reason) (rate(ottoscale_decisions_total{{{POLICY}}}[{RATE}]))",
                "{{action}} {{reason}}",
            )
        ],
        stack=True,
        unit="ops",
        min=0,
    )
    board.lines(
        "Readings",
        "By how they ended, a second.",
        [
            (
                f"sum by (metric, result) (rate(ottoscale_metric_polls_total{{{POLICY}}}[{RATE}]))",
                "{{metric}} {{result}}",
            )
        ],
        stack=True,
        unit="ops",
        min=0,
    )
    board.add(
        "state-timeline",
        "Conditions",
        "1 while the condition is True.",
        [(f'ottoscale_policy_condition{{{POLICY},status="True"}}', name + " {{type}}")],
        width=24,
        options={"mergeValues": True, "showValue": "never", "rowHeight": 0.8},
        defaults={
            "mappings": [
                {
                    "type": "value",
                    "options": {"0": {"text": "not True", "color": "dark-red"}, "1": {"text": "True", "color": "green"}},
                }
            ]
        },
    )
    board.table(
        "About",
        "Target and mode of each policy that is selected.",
        f"ottoscale_policy_info{{{POLICY}}}",
        {"Value": " "},
        width=24,
    )
    return board


def operator():
    board = Board(
        "ottoscale-operator",
        "Ottoscale / Operator",
        "The program itself: passes, queue, API server, clouds, lease, process.",
        ["job", "instance"],
    )
    own = 'job=~"$job",instance=~"$instance"'
    quantile = lambda series, by="": (
        f"histogram_quantile(0.99, sum by (le{by}) (rate({series}_bucket{{{own}}}[{RATE}])))"
    )
    board.number("Replicas up", "That answer a scrape.", f"sum(up{{{own}}})")
    board.number(
        "Leaders",
        "Replicas that say that they have the lease; 1 is right.",
        f"sum(leader_election_master_status{{{own}}}) or vector(0)",
        warn=2,
    )
    board.number("Frozen", "1 while nothing is written to a cloud.", f"max(ottoscale_frozen{{{own}}})", warn=1)
    board.number(
        "Defects stopped",
        "Changes that the write gate refused as a defect of the program.",
        f"sum(ottoscale_invariant_violations_total{{{own}}})",
        warn=1,
    )
    board.number("Waiting", "Policies that wait for a worker.", f"sum(workqueue_depth{{{own}}})", warn=100)
    board.number(
        "Up since", "When the youngest replica was started.", f"time() - max(process_start_time_seconds{{{own}}})", unit="s"
    )
    board.lines(
        "Passes",
        "By result, a second.",
        [(f"sum by (controller, result) (rate(controller_runtime_reconcile_total{{{own}}}[{RATE}]))", "{{controller}} {{result}}")],
        stack=True,
        unit="ops",
        min=0,
    )
    board.lines(
        "How long, 99 of 100",
        "A pass, and how late it starts against its due time.",
        [
            (quantile("ottoscale_pass_duration_seconds"), "a pass"),
            (quantile("ottoscale_reconcile_lag_seconds"), "late"),
            (quantile("controller_runtime_reconcile_time_seconds"), "reconcile"),
        ],
        unit="s",
        min=0,
    )
    board.lines(
        "Queue",
        "Policies that wait, that are worked on, and workers.",
        [
            (f"sum(workqueue_depth{{{own}}})", "wait"),
            (f"sum(controller_runtime_active_workers{{{own}}})", "worked on"),
            (f"sum(controller_runtime_max_concurrent_reconciles{{{own}}})", "workers"),
        ],
        min=0,
    )
    board.lines(
        "Queue: added and tried again",
        "A second.",
        [
            (f"sum by (name) (rate(workqueue_adds_total{{{own}}}[{RATE}]))", "{{name}} added"),
            (f"sum by (name) (rate(workqueue_retries_total{{{own}}}[{RATE}]))", "{{name}} again"),
        ],
        unit="ops",
        min=0,
    )
    board.lines(
        "API server",
        "Requests by answer, a second.",
        [(f"sum by (method, code) (rate(rest_client_requests_total{{{own}}}[{RATE}]))", "{{method}} {{code}}")],
        stack=True,
        unit="reqps",
        min=0,
    )
    board.lines(
        "Clouds and heartbeats, 99 of 100",
        "Up to the headers of the answer.",
        [(quantile("ottoscale_provider_request_duration_seconds", ", provider"), "{{provider}}")],
        unit="s",
        min=0,
    )
    board.lines(
        "Clouds and heartbeats",
        "Requests by answer, a second.",
        [(f"sum by (provider, code) (rate(ottoscale_provider_requests_total{{{own}}}[{RATE}]))", "{{provider}} {{code}}")],
        stack=True,
        unit="reqps",
        min=0,
    )
    board.lines(
        "Turns",
        "Changes that went the other way than the one before, in the last hour.",
        [(f"sum(increase(ottoscale_direction_changes_total{{{OWN}}}[1h]))", "turns")],
        min=0,
    )
    board.lines(
        "Request budget left",
        "As the cloud reports it, for each account.",
        [(f"ottoscale_provider_rate_limit_remaining{{{own}}}", "{{provider}} {{account}}")],
        min=0,
    )
    board.lines(
        "From a change to its capacity, 99 of 100",
        "From sending a change to the poll that found it reached.",
        [(quantile("ottoscale_scale_operation_duration_seconds", ", target_type"), "{{target_type}}")],
        unit="s",
        min=0,
    )
    board.lines(
        "Log",
        "Lines by level, a second.",
        [(f"sum by (level) (rate(ottoscale_log_lines_total{{{own}}}[{RATE}]))", "{{level}}")],
        stack=True,
        unit="ops",
        min=0,
    )
    board.lines(
        "Memory",
        "Resident, of each replica.",
        [(f"process_resident_memory_bytes{{{own}}}", "{{instance}}")],
        unit="bytes",
        min=0,
    )
    board.lines(
        "CPU",
        "Cores, of each replica.",
        [(f"rate(process_cpu_seconds_total{{{own}}}[{RATE}])", "{{instance}}")],
        min=0,
    )
    board.lines(
        "File descriptors",
        "Open, and how many may be.",
        [
            (f"process_open_fds{{{own}}}", "{{instance}} open"),
            (f"min(process_max_fds{{{own}}})", "most"),
        ],
        min=0,
    )
    board.table("About", "Version of each replica.", f"ottoscale_build_info{{{own}}}", {"Value": " "}, width=12)
    return board


def render():
    return {f"{board.head['uid']}.json": board.render() for board in (overview(), policy(), operator())}
