"""What someone has to look at: errors, throttles, letters that nobody can handle, work that waits, drift, and costs."""

from __future__ import annotations

from collections.abc import Iterable

from core.declaration import Declaration
from core.spec import ModelSpec

from . import encryption
from .names import TLS_ONLY, TOPIC, Json, lambda_id, log_group_id, logical, ref, resource_name

FIVE_MINUTES = 300
LATE = 3600
"""Seconds that a message may wait."""

NAMESPACE = "${self:service}/${sls:stage}"
ADDRESS = "${param:alerts}"


def alerts() -> Json:
    """The topic that every alarm tells, and who listens."""
    subscription = {"Protocol": "email", "TopicArn": ref(TOPIC), "Endpoint": ADDRESS}
    properties = {"TopicName": resource_name("alerts"), **encryption.of_topic()}
    return {
        TOPIC: {"Type": "AWS::SNS::Topic", "Properties": properties},
        f"{TOPIC}Policy": _topic_policy(),
        "AlertsByMail": {"Type": "AWS::SNS::Subscription", "Condition": "HasAlerts", "Properties": subscription},
    }


def alarms(declared: Declaration) -> Json:
    """The alarms of one function that runs on Lambda, but for those of its dead letters."""
    name = logical(declared.name)
    function = {"FunctionName": ref(lambda_id(declared.name))}
    found = {
        f"{name}Errors": alarm(f"{declared.name} fails.", "AWS/Lambda", "Errors", function),
        f"{name}Throttles": alarm(f"{declared.name} is throttled.", "AWS/Lambda", "Throttles", function),
    }
    if declared.is_queued:
        found[f"{name}IsLate"] = alarm(
            f"{declared.name} is late.",
            *("AWS/SQS", "ApproximateAgeOfOldestMessage"),
            {"QueueName": {"Fn::GetAtt": [f"{name}Queue", "QueueName"]}},
            statistic="Maximum",
            threshold=LATE,
        )
    if declared.kind == "http":
        found[f"{name}Refuses"] = alarm(
            f"{declared.name} cannot answer.", "AWS/ApiGateway", "5xx", {"ApiId": ref("HttpApi")}
        )
    return found


def dead_letters(declared: Declaration) -> Json:
    """The alarm of what a function could not do, wherever it runs."""
    name = logical(declared.name)
    return {
        f"{name}HasDeadLetters": alarm(
            f"{declared.name} has dead letters.",
            *("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
            {"QueueName": {"Fn::GetAtt": [f"{name}DeadLetters", "QueueName"]}},
            statistic="Maximum",
        )
    }


def drift(declared: Declaration, specs: Iterable[ModelSpec]) -> Json:
    """An alarm a model for every check that found drift, counted from the lines that the function logs."""
    transformation = {
        "MetricName": "Drifted",
        "MetricNamespace": NAMESPACE,
        "MetricValue": "1",
        "Dimensions": [{"Key": "Model", "Value": "$.model"}],
    }
    counted = {
        "LogGroupName": f"/aws/lambda/{resource_name(declared.name)}",
        "FilterPattern": "{ $.drifted IS TRUE }",
        "MetricTransformations": [transformation],
    }
    metric = {"Type": "AWS::Logs::MetricFilter", "DependsOn": log_group_id(declared.name), "Properties": counted}
    found = {
        f"Drift{spec.model.replace('-', 'X2D')}": alarm(
            f"{spec.model} has drifted.", NAMESPACE, "Drifted", {"Model": spec.model}
        )
        for spec in specs
    }
    return {"DriftMetric": metric, **found}


def budget() -> Json:
    """A mail when a month's costs pass what was meant; needs an amount and an address."""
    mail = {"SubscriptionType": "EMAIL", "Address": ADDRESS}
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80}
    limit = {"Amount": "${param:budget}", "Unit": "USD"}
    whole = {
        "BudgetName": {"Fn::Sub": f"{resource_name('monthly')}-${{AWS::Region}}"},  # budgets are of no region
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": limit,
    }
    properties = {
        "Budget": whole,
        "NotificationsWithSubscribers": [{"Notification": notification, "Subscribers": [mail]}],
    }
    return {"MonthlyBudget": {"Type": "AWS::Budgets::Budget", "Condition": "HasBudget", "Properties": properties}}


def alarm(
    description: str, namespace: str, metric: str, dimensions: Json, *, statistic: str = "Sum", threshold: int = 0
) -> Json:
    """An alarm that goes off when a metric is over the threshold for five minutes."""
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


def _topic_policy() -> Json:
    """The alarms of this account may tell the topic; nobody may without TLS."""
    common = {"Action": "sns:Publish", "Resource": ref(TOPIC)}
    own = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
    tell = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Condition": own, **common}
    tls = {"Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, **common}
    document = {"Version": "2012-10-17", "Statement": [tell, {"Fn::If": [TLS_ONLY, tls, ref("AWS::NoValue")]}]}
    return {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [ref(TOPIC)], "PolicyDocument": document}}
