variable "project" {
  description = "The project that everything is in."
  type        = string
}

variable "region" {
  description = "Where buckets and services are."
  type        = string
  default     = "europe-west1"
}

variable "name" {
  description = "What the names of all resources begin with, such as acme-tidemill-prod; buckets have it too."
  type        = string
}

variable "image" {
  description = "The image of iac/container/Dockerfile, by digest."
  type        = string
}

variable "access" {
  description = "Who may ask the endpoint: iam, keys or jwt; see docs/access.md."
  type        = string
  default     = "iam"
}

variable "keys" {
  description = "The key ring that `tidemill keys add` wrote, as JSON, where access has keys."
  type        = string
  default     = ""
  sensitive   = true
}

variable "alert_email" {
  description = "Who is told by mail of dead letters and failures; nobody if empty."
  type        = string
  default     = ""
}

variable "billing_account" {
  description = "The billing account of the budget; no budget if empty."
  type        = string
  default     = ""
}

variable "budget" {
  description = "Units of the billing account's currency a month that alarm when they are spent."
  type        = number
  default     = 50
}

variable "kms_key" {
  description = "The Cloud KMS key of the buckets; Google's own keys if empty."
  type        = string
  default     = ""
}

locals {
  declared  = jsondecode(file("${path.module}/../rendered/containers.json"))
  functions = local.declared.functions
  events    = { for name, each in local.functions : name => each if each.kind == "event" }
  endpoints = { for name, each in local.functions : name => each if each.kind == "http" }
  jobs      = { for name, each in local.functions : name => each if each.kind == "job" }

  # Names of resources have no underscores.
  slug = { for name, each in local.functions : name => replace(name, "_", "-") }

  # One for each function and zone that it touches.
  grants = merge([
    for name, each in local.functions : {
      for zone, verbs in each.grants : "${name}.${zone}" => { function = name, zone = zone, verbs = verbs }
    }
  ]...)

  # One for each zone and function that its events start.
  triggers = merge([
    for zone, each in local.declared.zones : {
      for name in each.events : "${zone}.${name}" => { function = name, zone = zone }
    }
  ]...)

  # What a verb needs: https://cloud.google.com/storage/docs/access-control/iam-permissions
  # Overwriting needs storage.objects.delete as well; create-only does not.
  permissions = {
    read    = ["storage.objects.get"]
    list    = ["storage.objects.list"]
    create  = ["storage.objects.create"]
    replace = ["storage.objects.create", "storage.objects.delete"]
  }

  environment = {
    TIDEMILL_STORE          = "gs://${var.name}-{zone}"
    TIDEMILL_SPECS          = "models"
    TIDEMILL_PREDICTION_LOG = "sync"
  }

  # One for each function and job that it starts.
  starters = merge([
    for name, each in local.functions : { for job in each.starts : "${name}.${job}" => { function = name, job = job } }
  ]...)

  # How those that start jobs do.
  started = {
    for name, each in local.functions : name => {
      for job in each.starts : "TIDEMILL_JOBS" => "cloudrun://${var.project}/${var.region}/${google_cloud_run_v2_job.job[job].name}"
    }
  }

  # What else a function that events start is told.
  told = {
    for name, each in local.events : name => merge(
      { TIDEMILL_FUNCTION = name, TIDEMILL_ACCESS = "iam" },
      each.publishes ? { TIDEMILL_ALERTS = "pubsub://${google_pubsub_topic.alerts.id}" } : {},
    )
  }
}
