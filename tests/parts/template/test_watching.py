"""Alarms, dashboard and saved queries: they name what the functions log, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from valet.audit import EVENTS, EVERYWHERE, Metric

from admin.records.audit import OUTPUT
from bench.costs import ALARMED_METRICS
from local.template import load
from tests.parts.template.cloudformation import TEMPLATE, resources, translated

METRICS = set(get_args(Metric))
OWN_DIMENSION = [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]
# What stands in every line by the logger's own doing.
OF_EVERY_LINE = {"timestamp", "level", "service", "message"}


def _alarms() -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in resources(translated(), "AWS::CloudWatch::Alarm").items()}


def _named(kind: str) -> list[str]:
    """By the template as it is written: SAM is not started in order to list the tests."""
    return [name for name, each in load(TEMPLATE)["Resources"].items() if each["Type"] == kind]


def _metrics(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "MetricName" in alarm:
        yield alarm
    yield from (each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each)


def _queries() -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in resources(translated(), "AWS::Logs::QueryDefinition").items()}


def test_every_alarm_and_query_has_its_test() -> None:
    assert list(_alarms()) == _named("AWS::CloudWatch::Alarm")
    assert list(_queries()) == _named("AWS::Logs::QueryDefinition")


def test_there_are_no_more_alarms_than_are_paid_for() -> None:
    """CloudWatch charges for each metric that an alarm watches; a band is two more, its lower and its upper end."""
    paid = {name: len(list(_metrics(alarm))) + 2 * ("ThresholdMetricId" in alarm) for name, alarm in _alarms().items()}
    assert len(paid) == 12
    assert sum(paid.values()) == ALARMED_METRICS


def test_requests_of_every_kind_are_compared_with_their_own_past() -> None:
    alarm = _alarms()["RequestsAlarm"]
    (counted,) = _metrics(alarm)
    assert counted == {
        "Namespace": "AWS/ApiGateway",
        "MetricName": "Count",
        "Dimensions": [{"Name": "ApiId", "Value": {"Ref": "Api"}}],
    }
    assert alarm["ComparisonOperator"] == "GreaterThanUpperThreshold"
    (band,) = (each for each in alarm["Metrics"] if each["Id"] == alarm["ThresholdMetricId"])
    assert band["Expression"].startswith("ANOMALY_DETECTION_BAND(requests,")


def test_what_the_code_counts_is_what_is_watched() -> None:
    alarmed = {each["MetricName"] for alarm in _alarms().values() for each in _metrics(alarm) if _is_ours(each)}
    assert alarmed <= METRICS
    body = _dashboard()
    shown = {
        metric[1] for widget in body["widgets"] for metric in widget["properties"]["metrics"] if metric[0] == "Valet"
    }
    assert shown == METRICS
    # Of these a number alone says nothing; the refresh rate and the failure rate are weighed against them.
    assert METRICS - alarmed == {"TokensIssued"}


def _is_ours(metric: dict[str, Any]) -> bool:
    return bool(metric["Namespace"] == "Valet")


@pytest.mark.parametrize("name", _named("AWS::CloudWatch::Alarm"))
def test_an_alarm_says_what_it_means_and_tells_the_topic(name: str) -> None:
    alarm = _alarms()[name]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["AlarmDescription"].endswith(".")
    assert alarm["AlarmName"] == {"Fn::Sub": "${AWS::StackName}-" + name.removesuffix("Alarm")}
    assert alarm["TreatMissingData"] == ("breaching" if name == "KeysAlarm" else "notBreaching")
    for metric in _metrics(alarm):
        if _is_ours(metric):
            assert metric["Dimensions"] == OWN_DIMENSION


def test_the_stacks_name_is_the_dimension_that_the_functions_write() -> None:
    for function in resources(translated("Demo=on"), "AWS::Lambda::Function").values():
        assert function["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == {
            "Ref": "AWS::StackName"
        }


def test_the_events_that_alarms_count_are_logged_at_every_level_that_may_be_chosen() -> None:
    assert translated()["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]


def test_an_address_is_written_to_only_where_there_is_one() -> None:
    document = translated()
    (subscription,) = resources(document, "AWS::SNS::Subscription").values()
    assert subscription["Condition"] == "HasAlarmEmail"
    assert document["Conditions"]["HasAlarmEmail"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}
    assert subscription["Properties"]["Endpoint"] == {"Ref": "AlarmEmail"}


def test_the_dashboard_is_json_and_does_not_overlap() -> None:
    places = [(widget["x"], widget["y"]) for widget in _dashboard()["widgets"]]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("name", _named("AWS::Logs::QueryDefinition"))
def test_a_query_asks_for_events_and_fields_that_there_are(name: str) -> None:
    text = _queries()[name]["QueryString"]
    named = set(re.findall(r"'([a-z_]+\.[a-z_]+)'", text))
    assert named <= set(EVENTS)
    fields = EVERYWHERE | OF_EVERY_LINE | {field for event in EVENTS.values() for field in event.fields}
    for listed in re.findall(r"(?:fields|by) ([a-z_, ]+)$", text, re.MULTILINE):
        assert set(re.split(r",\s*", listed)) <= fields


def test_what_operators_change_has_a_log_group_that_forgets_and_that_the_command_line_finds() -> None:
    document = translated()
    group = resources(document, "AWS::Logs::LogGroup")["OperatorLogs"]
    assert "Condition" not in group
    assert group["Properties"] == {
        "LogGroupName": {"Fn::Sub": "/valet/${AWS::StackName}/operator"},
        "RetentionInDays": {"Ref": "LogRetention"},
    }
    assert document["Outputs"][OUTPUT]["Value"] == {"Ref": "OperatorLogs"}
    assert "Condition" not in document["Outputs"][OUTPUT]


def test_one_query_has_every_event_of_operators_and_each_grants_story_has_its_end_by_them() -> None:
    query = _queries()["ChangesByOperators"]
    named = set(re.findall(r"'([a-z_]+\.[a-z_]+)'", query["QueryString"]))
    assert {name for name, event in EVENTS.items() if "operator" in event.fields} <= named
    assert {"Ref": "OperatorLogs"} in query["LogGroupNames"]
    assert {"Ref": "OperatorLogs"} in _queries()["StoryOfOneGrant"]["LogGroupNames"]


def test_no_function_writes_to_the_operators_log() -> None:
    assert "OperatorLogs" not in json.dumps(resources(translated("Demo=on"), "AWS::Lambda::Function"))
    assert "OperatorLogs" not in json.dumps(resources(translated("Demo=on"), "AWS::IAM::Role"))


def test_every_event_about_a_client_or_a_person_is_in_a_query_or_one_of_the_same_grant() -> None:
    named = (group for query in _queries().values() for group in query["LogGroupNames"])
    groups = {group["Fn::If"][1]["Ref"] if "Fn::If" in group else group["Ref"] for group in named}
    assert groups <= set(resources(translated(), "AWS::Logs::LogGroup"))


def _dashboard() -> dict[str, Any]:
    (dashboard,) = resources(translated(), "AWS::CloudWatch::Dashboard").values()
    body: dict[str, Any] = json.loads(dashboard["Properties"]["DashboardBody"]["Fn::Sub"])
    return body
