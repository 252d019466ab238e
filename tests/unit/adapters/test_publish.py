"""Telling of alerts: webhooks on a real server of this machine, AWS on moto, Pub/Sub on a stub of its REST API."""

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from moto import mock_aws

from core.adapters import http_post, publish_pubsub
from core.adapters.http_post import post
from core.adapters.publish import destination, open_publishers
from core.adapters.publish_aws import SnsTopic, subject
from core.adapters.publish_event_grid import EventGridTopic
from core.adapters.publish_webhook import signature
from core.domain.alert import Observation, unraised
from core.domain.notice import notice_of
from core.errors import BadInput, Permanent, Transient, Unsupported
from core.telemetry import JsonFormatter, PlainFormatter

SEEN = Observation(
    "drift", "v1", wrong=True, level="warning", summary="<it> & drifted", evidence="r", at=datetime.now(UTC)
)
NOTICE = notice_of(next(unraised("m", SEEN).follow([SEEN], datetime(2026, 5, 1, tzinfo=UTC), None)))
KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


class Server:
    """Answers each request with the next of `answers` (status, headers), the last one again and again."""

    def __init__(self, *answers):
        self.answers, self.requests, self.url = list(answers) or [(200, {})], [], ""


@contextmanager
def serving(*answers):
    kept = Server(*answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status, headers = kept.answers.pop(0) if len(kept.answers) > 1 else kept.answers[0]
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"content-length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()


def publisher(url, *secrets, environ=None):
    (found,) = open_publishers([url], secrets, environ or {}).values()
    return found


# the registry


def test_nothing_set_is_the_log(caplog):
    (found,) = open_publishers([], [], {}).values()
    with caplog.at_level(logging.INFO, "tidemill"):
        found.publish(NOTICE)
    (line,) = caplog.records
    assert (line.levelname, line.getMessage()) == ("WARNING", "alert [warning] m: drift (v1): <it> & drifted")
    assert json.loads(JsonFormatter().format(line))["fingerprint"] == NOTICE.data["fingerprint"]
    assert PlainFormatter().format(line).endswith("<it> & drifted")  # a person is told it once


def test_what_is_resolved_is_no_warning_in_the_log(caplog):
    alert = next(unraised("m", SEEN).follow([SEEN], datetime(2026, 5, 1, tzinfo=UTC), None))
    over = notice_of(alert.resolved_by("anne", datetime(2026, 5, 2, tzinfo=UTC)))
    with caplog.at_level(logging.INFO, "tidemill"):
        publisher("log://").publish(over)
    assert caplog.records[0].levelname == "INFO"


def test_ids_of_destinations_tell_no_secret_and_differ():
    urls = ["slack+https://hooks.slack.example/T0/secret", "slack+https://hooks.slack.example/T0/other"]
    ids = [destination(url) for url in urls]
    assert len(set(ids)) == 2
    assert all(found.startswith("slack+https:") and "secret" not in found for found in ids)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://x", "must begin with one of log, https"),
        ("nonsense", "must begin with one of"),
        ("http://example.org/hook", "a webhook needs https:// and a host"),
        ("https:///hook", "a webhook needs https:// and a host"),
        ("slack+https://", "a webhook needs https:// and a host"),
        ("sns://topic", "the ARN of a topic"),
        ("ses://me?to=x@example.org", "ses://FROM@DOMAIN"),
        ("ses://me@example.org", "ses://FROM@DOMAIN"),
        ("pubsub://topic", "pubsub://projects/PROJECT/topics/TOPIC"),
        ("eventgrid://acme.westeurope-1.eventgrid.azure.net", "eventgrid://TOPIC.REGION-1"),
        ("eventgrid://acme.westeurope-1.eventgrid.azure.net/api/events?sig=x", "eventgrid://TOPIC.REGION-1"),
        ("eventgrid://acme.westeurope-1.eventgrid.azure.net/api/events", "IDENTITY_ENDPOINT is not set"),
    ],
)
def test_a_url_that_cannot_be_is_told(url, sentence):
    with pytest.raises(BadInput, match=sentence):
        publisher(url)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_?", "plain text"])
def test_a_secret_that_is_none_is_told_without_saying_it(secret):
    with pytest.raises(BadInput, match="TIDEMILL_ALERTS_SECRET must be whsec_ and at least 24 bytes") as error:
        publisher("https://example.org", secret)
    assert "c2hvcnQ" not in str(error.value)


def test_what_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "core.adapters.publish_pubsub", None)
    with pytest.raises(Unsupported, match="pip install google-auth requests"):
        publisher("pubsub://projects/p/topics/t")


# webhooks


def test_a_webhook_gets_a_signed_cloud_event():
    with serving() as server:
        publisher(f"{server.url}/hook?x=1", SECRET).publish(NOTICE)
    ((path, headers, body),) = server.requests
    assert path == "/hook?x=1"
    assert json.loads(body) == NOTICE.to_json()
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["webhook-id"] == NOTICE.id
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"{NOTICE.id}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_signature_is_that_of_the_standard():
    """The example of https://github.com/standard-webhooks/standard-webhooks, whose libraries verify it."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_changed_both_sign():
    other = f"whsec_{base64.b64encode(bytes(24)).decode()}"
    with serving() as server:
        publisher(server.url, SECRET, other).publish(NOTICE)
    assert len(server.requests[0][1]["webhook-signature"].split(" ")) == 2


def test_without_a_secret_nothing_is_signed():
    with serving() as server:
        publisher(server.url).publish(NOTICE)
    assert "webhook-signature" not in server.requests[0][1]


def test_slack_gets_a_text_without_mentions():
    with serving() as server:
        publisher(f"slack+{server.url}/services/T0/B0/secret", SECRET).publish(NOTICE)
    ((path, headers, body),) = server.requests
    assert path == "/services/T0/B0/secret"
    assert "webhook-signature" not in headers
    text = json.loads(body)["text"]
    assert text.startswith("[warning] m: drift (v1)\n&lt;it&gt; &amp; drifted")


@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status, monkeypatch):
    monkeypatch.setattr(http_post, "FIRST_WAIT", 0.0)
    with serving((status, {}), (status, {}), (204, {})) as server:
        publisher(server.url).publish(NOTICE)
    assert len(server.requests) == 3
    assert len({body for _, _, body in server.requests}) == 1


def test_what_does_not_pass_is_left_to_the_host(monkeypatch):
    monkeypatch.setattr(http_post, "FIRST_WAIT", 0.0)
    with serving((503, {})) as server, pytest.raises(Transient, match="answered 503"):
        publisher(server.url).publish(NOTICE)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_is_refused_is_not_tried_again_and_the_secret_path_is_not_told(status):
    with serving((status, {})) as server, pytest.raises(Permanent, match=f"answered {status}") as error:
        publisher(f"{server.url}/services/secret").publish(NOTICE)
    assert len(server.requests) == 1
    assert "secret" not in str(error.value).replace("the secret are right", "")


def test_a_redirect_is_not_followed():
    with serving() as other, serving((307, {"location": "{}"})) as server:
        server.answers = [(307, {"location": f"{other.url}/elsewhere"})]
        with pytest.raises(Permanent, match="leads elsewhere"):
            publisher(server.url).publish(NOTICE)
    assert other.requests == []


def test_nobody_there_is_for_now(monkeypatch):
    monkeypatch.setattr(http_post, "FIRST_WAIT", 0.0)
    with serving() as server:
        url = server.url
    with pytest.raises(Transient, match="cannot be reached"):
        publisher(url).publish(NOTICE)


def waits(*answers):
    """How long is waited between the attempts on a server that answers so."""
    slept: list[float] = []
    with serving(*answers) as server:
        try:
            post(server.url, b"x", dict, "it", slept.append)
        except Transient:
            slept.append(-1)
    return slept


def test_waits_double_and_are_as_long_as_the_server_asks():
    assert waits((503, {})) == [0.5, 1.0, -1]
    assert waits((429, {"retry-after": "7"}), (200, {})) == [7.0]
    assert waits((503, {"retry-after": "nonsense"}), (200, {})) == [0.5]


def test_who_asks_for_longer_than_a_function_may_wait_is_left_to_the_host():
    assert waits((429, {"retry-after": "3600"})) == [-1]


def test_retry_after_may_be_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=15), usegmt=True)
    (waited,) = waits((503, {"retry-after": soon}), (200, {}))
    assert 0 < waited <= 15


# AWS


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


def test_a_topic_gets_the_event_and_says_what_it_is_about(aws):
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    publisher(f"sns://{topic}").publish(NOTICE)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    assert json.loads(body["Message"]) == NOTICE.to_json()
    assert body["Subject"] == "[warning] m: drift (v1)"
    told = {name: found["Value"] for name, found in body["MessageAttributes"].items()}
    assert told == {
        "content-type": "application/cloudevents+json",
        "model": "m",
        "kind": "drift",
        "severity": "warning",
    }


def test_a_topic_that_is_not_there_is_permanent(aws):
    with pytest.raises(Permanent, match="cannot be told of an alert"):
        publisher("sns://arn:aws:sns:eu-west-1:123456789012:none").publish(NOTICE)


def test_a_mail_has_the_title_and_the_text(aws):
    boto3.client("sesv2").create_email_identity(EmailIdentity="me@example.org")
    publisher("ses://me@example.org?to=one@example.org,two@example.org").publish(NOTICE)
    from moto.core import DEFAULT_ACCOUNT_ID  # noqa: PLC0415
    from moto.ses.models import ses_backends  # noqa: PLC0415

    (mail,) = ses_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].sent_messages
    assert mail.destinations["ToAddresses"] == ["one@example.org", "two@example.org"]
    assert mail.subject == "[warning] m: drift (v1)"
    assert "drifted" in mail.body


def test_a_mail_from_an_address_that_is_not_verified_is_permanent(aws):
    with pytest.raises(Permanent, match=r"one@example\.org cannot be told"):
        publisher("ses://me@example.org?to=one@example.org").publish(NOTICE)


def test_no_answer_from_aws_is_for_now():
    class Away:
        def publish(self, **_):
            from botocore.exceptions import EndpointConnectionError  # noqa: PLC0415

            raise EndpointConnectionError(endpoint_url="https://sns")

    with pytest.raises(Transient):
        SnsTopic("arn:aws:sns:eu-west-1:1:t", Away).publish(NOTICE)


def test_a_subject_is_short_ascii():
    assert subject(NOTICE) == NOTICE.title
    assert subject(replace(NOTICE, title="é\n" * 99)) == "??" * 50


# Google


def test_pubsub_is_asked_as_its_rest_api_is_documented(monkeypatch):
    monkeypatch.setattr(publish_pubsub, "_google", lambda: lambda: {"authorization": "Bearer t"})
    with serving() as server:
        found = publisher("pubsub://projects/p/topics/t")
        publish_pubsub.PubsubTopic(found.topic, found.authorize, server.url).publish(NOTICE)
    ((path, headers, body),) = server.requests
    assert path == "/v1/projects/p/topics/t:publish"
    assert headers["authorization"] == "Bearer t"
    (message,) = json.loads(body)["messages"]
    assert json.loads(base64.b64decode(message["data"])) == NOTICE.to_json()
    assert message["attributes"] == {
        "content-type": "application/cloudevents+json",
        "model": "m",
        "kind": "drift",
        "severity": "warning",
    }


def test_an_emulator_is_asked_without_credentials():
    with serving() as server:
        host = server.url.removeprefix("http://")
        publisher("pubsub://projects/p/topics/t", environ={"PUBSUB_EMULATOR_HOST": host}).publish(NOTICE)
    assert "authorization" not in server.requests[0][1]


def test_without_googles_credentials_it_is_said_what_is_missing(monkeypatch):
    from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415

    def none(scopes):
        raise DefaultCredentialsError("no credentials")

    monkeypatch.setattr("google.auth.default", none)
    with pytest.raises(Permanent, match="needs Google's credentials"):
        publisher("pubsub://projects/p/topics/t")


# Azure


@contextmanager
def identity():
    """Gives tokens as a container app's identity endpoint does."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.headers["x-identity-header"], self.path))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"access_token": "T"}')

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/token", asked
        finally:
            server.shutdown()
            thread.join()


ENDPOINT = "eventgrid://acme-alerts.westeurope-1.eventgrid.azure.net/api/events"


def test_event_grid_is_asked_as_it_is_documented(monkeypatch):
    monkeypatch.setattr(http_post, "FIRST_WAIT", 0.0)
    with serving((503, {}), (200, {})) as server, identity() as (token, asked):
        found = publisher(
            ENDPOINT, environ={"IDENTITY_ENDPOINT": token, "IDENTITY_HEADER": "h", "AZURE_CLIENT_ID": "me"}
        )
        assert found.url == ENDPOINT.replace("eventgrid", "https", 1)
        EventGridTopic(f"{server.url}/api/events", found.identity).publish(NOTICE)
    (path, headers, body) = server.requests[-1]
    assert path == "/api/events?api-version=2018-01-01"
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["authorization"] == "Bearer T"
    assert json.loads(body) == NOTICE.to_json()
    assert len(asked) == len(server.requests) == 2  # a token may run out in between
    assert asked[0] == ("h", "/token?api-version=2019-08-01&resource=https%3A%2F%2Feventgrid.azure.net&client_id=me")


def test_who_may_not_publish_is_told(monkeypatch):
    with serving((403, {})) as server, identity() as (token, _):
        found = publisher(ENDPOINT, environ={"IDENTITY_ENDPOINT": token, "IDENTITY_HEADER": "h"})
        with pytest.raises(Permanent, match=r"the topic at 127\.0\.0\.1 answered 403"):
            EventGridTopic(f"{server.url}/api/events", found.identity).publish(NOTICE)


def test_without_a_token_nothing_is_published():
    found = publisher(ENDPOINT, environ={"IDENTITY_ENDPOINT": "http://127.0.0.1:9/token", "IDENTITY_HEADER": "h"})
    with pytest.raises(Transient, match="cannot be told of an alert"):
        found.publish(NOTICE)
