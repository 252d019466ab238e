"""The job as a training job of SageMaker, on a machine of its own."""

from __future__ import annotations

from core.declaration import Declaration

from .. import encryption
from ..names import STACK, Json, allow, arn, logical, policy, role, store
from ..permissions import on_zones
from . import containers
from .containers import joined

SERVICE = "sagemaker.amazonaws.com"
FOLDER = "_sagemaker"
"""Where SageMaker writes its own output, in the zone whose objects leave by themselves. No model can be called that."""

STREAMS = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/sagemaker/TrainingJobs"


def jobs(job: Declaration) -> Json:
    """The job's role; SageMaker keeps no definition of a job, so everything else is in the URL."""
    role_arn = arn(f"{logical(job.name)}Role")
    passed = allow("Pass", ["iam:PassRole"], role_arn)
    passed["Condition"] = {"StringEquals": {"iam:PassedToService": SERVICE}}
    named = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:training-job/" + f"{STACK}-*"
    own = [policy("declared", list(on_zones(job))), policy("around", _around()), encryption.grants()]
    failed = {"TrainingJobName": [{"prefix": f"{STACK}-"}], "TrainingJobStatus": ["Failed"]}
    return {
        "url": joined(
            f"sagemaker://{STACK}?role=",
            role_arn,
            f"&image={containers.IMAGE}&instance=${{param:jobInstance}}&seconds={job.timeout}&output=",
            {"Fn::Sub": f"{_bucket()}/{FOLDER}"},
        ),
        "start": [allow("Start", ["sagemaker:CreateTrainingJob"], {"Fn::Sub": named}), passed],
        "functions": {},
        "resources": {
            "Resources": {
                f"{logical(job.name)}Role": role(job.name, SERVICE, own),
                **containers.failures(job, "aws.sagemaker", "SageMaker Training Job State Change", failed),
            }
        },
    }


def _bucket() -> str:
    url: str = store()["Fn::Sub"]
    return url.replace("{zone}", "quarantine")


def _around() -> list[Json]:
    """The image, the log, which SageMaker names itself, and its own output."""
    bucket = {"Fn::GetAtt": ["QuarantineBucket", "Arn"]}
    streams = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return [
        *containers.pull(),
        allow("LogGroup", ["logs:CreateLogGroup"], {"Fn::Sub": STREAMS}),
        allow("Logs", streams, {"Fn::Sub": f"{STREAMS}:*"}),
        allow("Output", ["s3:PutObject"], {"Fn::Join": ["", [bucket, f"/{FOLDER}/*"]]}),
    ]
