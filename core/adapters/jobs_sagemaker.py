"""Jobs as training jobs of Amazon SageMaker.

TIDEMILL_JOBS=sagemaker://PREFIX?role=ARN&image=URI&output=s3://BUCKET/FOLDER&instance=ml.m5.large
with, if wanted, &volume=GB &seconds=LONGEST &subnets=subnet-1,subnet-2 &security_groups=sg-1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from ..errors import BadInput
from .jobs_aws import client, command, options, token, translated

LONGEST_PREFIX = 30
"""A job's name has 63 characters at most: this, a dash and a hash."""

FORM = "sagemaker://PREFIX?role=…&image=…&output=…"
PASSED_ON = ("TIDEMILL_STORE", "TIDEMILL_SPECS", "TIDEMILL_LOG_LEVEL")
"""What the job has to know, as the function that starts it knows it: SageMaker keeps no definition of a job."""


@dataclass(frozen=True, slots=True)
class SageMakerJobs:
    """Creates a training job whose name is `prefix` and a hash of the job's name.

    Names are unique in an account and region and are never given up, so a job of a name runs once:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    `request` is everything else of that call. What Tidemill learns goes to its own store, so the folder that SageMaker
    wants for its own output stays as good as empty.
    """

    prefix: str
    image: str
    request: Mapping[str, Any]

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Start the job; raises Permanent or Transient."""
        algorithm = {
            "TrainingImage": self.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python"],
            "ContainerArguments": command(job, arguments),
        }
        with translated(job, started="ResourceInUse"):
            client("sagemaker").create_training_job(
                TrainingJobName=f"{self.prefix}-{token(name)}", AlgorithmSpecification=algorithm, **self.request
            )


def open_sagemaker(url: SplitResult, environ: Mapping[str, str]) -> SageMakerJobs:
    """The runner of sagemaker://PREFIX?…; raises BadInput if role, image or output is missing, or a number is none."""
    asked = options(url, FORM, path=False, needed=["role", "image", "output"])
    if len(url.netloc) > LONGEST_PREFIX:
        raise BadInput(f"TIDEMILL_JOBS has {url.netloc!r}; it must have {LONGEST_PREFIX} characters at most.")
    request: dict[str, Any] = {
        "RoleArn": asked["role"],
        "OutputDataConfig": {"S3OutputPath": asked["output"]},
        "ResourceConfig": {
            "InstanceType": asked.get("instance", "ml.m5.large"),
            "InstanceCount": 1,
            "VolumeSizeInGB": _whole(asked, "volume", 10),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": _whole(asked, "seconds", 3600)},
        "Environment": {name: environ[name] for name in PASSED_ON if environ.get(name)},
    }
    if asked.get("subnets"):
        groups = asked.get("security_groups", "").split(",")
        request["VpcConfig"] = {"Subnets": asked["subnets"].split(","), "SecurityGroupIds": groups}
    return SageMakerJobs(url.netloc, asked["image"], request)


def _whole(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not (text.isascii() and text.isdecimal()):
        raise BadInput(f"TIDEMILL_JOBS has {name}={text!r}; it must be a whole number.")
    return int(text)
