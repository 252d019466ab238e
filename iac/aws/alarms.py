"""What someone has to look at: errors, throttles, letters that nobody can handle, work that waits, drift, and costs."""

from __future__ import annotations

from core.declaration import Declaration

from .names import TLS_ONLY, Json, logical, ref, resource_name
from .permissions import lambda_id

TOPIC = "AlertsTopic"
FIVE_MINUTES = 300
LATE = 3600
"""Seconds that a message may wait."""

NAMESPACE = "Tidemill"


def alerts() -> Json:
    """The topic that every alarm tells, and who listens."""
    address = "${param:alerts, ''}"
    subscription = {"Protocol": "email", "TopicArn": ref(TOPIC), "Endpoint": address}
    return {
        TOPIC: {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": resource_name("alerts")}},
        "AlertsByMail": {"Type": "AWS::SNS::Subscription", "Condition": "HasAlerts", "Properties": subscription},
    }


def alarms(declared: Declaration) -> Json:
    """The alarms of one function."""
    name = logical(declared.name)
    function = {"FunctionName": ref(lambda_id(declared.name))}
    found = {
        f"{name}Errors": _alarm("fails", "AWS/Lambda", "Errors", function),
        f"{name}Throttles": _alarm("is throttled", "AWS/Lambda", "Throttles", function),
    }
    if declared.kind != "http":
        dead = {"QueueName": {"Fn::GetAtt": [f"{name}DeadLetters", "QueueName"]}}
        found[f"{name}HasDeadLetters"] = _alarm(
            "has dead letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", dead, statistic="Maximum"
        )
    if declared.is_queued:
        own = {"QueueName": {"Fn::GetAtt": [f"{name}Queue", "QueueName"]}}
        found[f"{name}IsLate"] = _alarm(
            "is late", "AWS/SQS", "ApproximateAgeOfOldestMessage", own, statistic="Maximum", threshold=LATE
        )
    for alarm in found.values():
        alarm["Properties"]["AlarmDescription"] = f"{declared.name} {alarm['Properties']['AlarmDescription']}."
    return found


def drift(declared: Declaration) -> Json:
    """An alarm for every check that found drift, counted from the function's log."""
    group = f"/aws/lambda/{resource_name(declared.name)}"
    transformation = {"MetricName": "Drifted", "MetricNamespace": NAMESPACE, "MetricValue": "1", "DefaultValue": 0}
    counted = {
        "LogGroupName": group,
        "FilterPattern": "{ $.drifted IS TRUE }",
        "MetricTransformations": [transformation],
    }
    log_group = f"{logical(declared.name)}LogGroup"
    return {
        "DriftMetric": {"Type": "AWS::Logs::MetricFilter", "DependsOn": log_group, "Properties": counted},
        "DriftFound": _alarm("A check found drift.", NAMESPACE, "Drifted", {}),
    }


def budget() -> Json:
    """A mail when a month's costs pass what was meant; needs an amount and an address."""
    mail = {"SubscriptionType": "EMAIL", "Address": "${param:alerts, ''}"}
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80}
    limit = {"Amount": "${param:budget, 0}", "Unit": "USD"}
    return {
        "MonthlyBudget": {
            "Type": "AWS::Budgets::Budget",
            "Condition": "HasBudget",
            "Properties": {
                "Budget": {
                    "BudgetName": resource_name("monthly"),
                    "BudgetType": "COST",
                    "TimeUnit": "MONTHLY",
                    "BudgetLimit": limit,
                },
                "NotificationsWithSubscribers": [{"Notification": notification, "Subscribers": [mail]}],
            },
        }
    }


CONDITIONS: Json = {
    TLS_ONLY: {"Fn::Equals": ["${param:tls}", "true"]},
    "HasAlerts": {"Fn::Not": [{"Fn::Equals": ["${param:alerts, ''}", ""]}]},
    "HasBudget": {"Fn::Not": [{"Fn::Equals": ["${param:budget, 0}", "0"]}]},
}


def _alarm(
    description: str, namespace: str, metric: str, dimensions: Json, *, statistic: str = "Sum", threshold: int = 0
) -> Json:
    properties: Json = {
        "AlarmDescription": description,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": statistic,
        "Period": FIVE_MINUTES,
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [ref(TOPIC)],
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
