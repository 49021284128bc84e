"""What ``deploy/`` asks of Prometheus and PostgreSQL: the expressions of rules and panels, and the series they name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from promql_parser import AggregateExpr, BinaryExpr, Expr, MatchOp, VectorSelector, parse, walk

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = DEPLOY / "prometheus/rules/hxi.yml"
RULE_TESTS = sorted((DEPLOY / "prometheus/rules_test").glob("*.yml"))
DASHBOARDS = {name: DEPLOY / f"grafana/dashboards/{name}.json" for name in ("operators", "analysts")}

ROW = "row"


@dataclass
class Named:
    """A series that an expression names, with the labels that it has to have."""

    metric: str
    equal: dict[str, str]
    labels: set[str] = field(default_factory=set)


def rules() -> list[dict[str, Any]]:
    """Return all rules, those that record too."""
    return [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the rules that alert, by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def dashboard(name: str) -> dict[str, Any]:
    """Return a dashboard as it is in its file."""
    loaded: dict[str, Any] = json.loads(DASHBOARDS[name].read_text("utf-8"))
    return loaded


def panels(name: str) -> list[dict[str, Any]]:
    """Return the panels of a dashboard that show something."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != ROW]


def panel_expressions(seconds: int = 60) -> Iterator[tuple[str, str]]:
    """Yield the operators' panels' titles and what they ask, for a range of so many seconds."""
    for panel in panels("operators"):
        for target in panel["targets"]:
            asked = target["expr"].replace("$__rate_interval", f"{seconds}s").replace("$__range", f"{seconds}s")
            assert "$" not in asked, f"a variable that Grafana is to fill in: {asked}"
            yield panel["title"], asked


def series_of(expression: str) -> list[Named]:
    """Return the series that an expression names, each with the labels that it is grouped and joined by."""
    parsed = parse(expression)
    found = [Named(selector.name or "", _equal(selector)) for selector in _selectors(parsed)]
    for inner, labels in _groupings(parsed):
        names = {selector.name for selector in _selectors(inner)}
        for series in found:
            if series.metric in names:
                series.labels |= labels
    return found


def _equal(selector: VectorSelector) -> dict[str, str]:
    return {one.name: one.value for one in selector.matchers.matchers if one.op == MatchOp.Equal}


def _selectors(expression: Expr) -> list[VectorSelector]:
    found: list[VectorSelector] = []
    walk(expression, lambda part: found.append(part) if isinstance(part, VectorSelector) else None)
    return found


def _groupings(expression: Expr) -> list[tuple[Expr, set[str]]]:
    """Return the parts of an expression whose series need labels, and which."""
    found: list[tuple[Expr, set[str]]] = []

    def look(part: Expr) -> None:
        if isinstance(part, AggregateExpr) and part.modifier is not None:
            found.append((part.expr, set(part.modifier.labels)))
        elif isinstance(part, BinaryExpr) and part.modifier is not None and part.modifier.matching is not None:
            labels = set(part.modifier.matching.labels)
            found.extend([(part.lhs, labels), (part.rhs, labels | set(part.modifier.group_labels or ()))])

    walk(expression, look)
    return found
