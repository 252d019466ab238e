variable "subscription" {
  description = "The subscription that everything is in."
  type        = string
}

variable "location" {
  description = "Where everything is."
  type        = string
  default     = "westeurope"
}

variable "name" {
  description = "What the names of all resources begin with, such as acme-prod; the storage account is called so without its hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 13
    error_message = "A name has 3 to 13 lower-case letters, digits and single hyphens: a container app's has at most 32 with its function's."
  }
}

variable "image" {
  description = "The image of iac/container/Dockerfile, by digest."
  type        = string
}

variable "registry" {
  description = "The resource id of the Azure Container Registry that has the image; empty if anybody may pull it."
  type        = string
  default     = ""
}

variable "polling_seconds" {
  description = "How often Container Apps looks into a function's queue; the longest that an event waits for a container to be started."
  type        = number
  default     = 10
}

variable "access" {
  description = "Who may ask the endpoint: keys, jwt, or both; see docs/access.md."
  type        = string
  default     = "keys"

  validation {
    condition     = contains(["keys", "jwt", "keys,jwt"], var.access)
    error_message = "Nobody asks before Container Apps does: access must be keys, jwt or keys,jwt."
  }
}

variable "endpoint_settings" {
  description = "Settings of the endpoint by name: TIDEMILL_KEYS, the ring of hashes that `tidemill keys add` wrote, or TIDEMILL_JWT_KEYS and the others of tokens."
  type        = map(string)
}

variable "alerts" {
  description = "Who is told of alerts besides the topic: webhooks, as TIDEMILL_ALERTS has them."
  type        = string
  default     = ""
  sensitive   = true
}

variable "alert_email" {
  description = "Who is told by mail of dead letters, failures and the budget; nobody if empty."
  type        = string
  default     = ""
}

variable "budget" {
  description = "Units of the subscription's currency a month that alarm when they are spent."
  type        = number
  default     = 50
}

locals {
  declared  = jsondecode(file("${path.module}/../rendered/containers.json"))
  functions = local.declared.functions
  events    = { for name, each in local.functions : name => each if each.kind == "event" }
  endpoints = { for name, each in local.functions : name => each if each.kind == "http" }

  # Names of resources have no underscores.
  slug = { for name, each in local.functions : name => replace(name, "_", "-") }

  # One for each function and zone that it touches.
  grants = merge([
    for name, each in local.functions : {
      for zone, verbs in each.grants : "${name}.${zone}" => { function = name, zone = zone, verbs = verbs }
    }
  ]...)

  # One for each set of verbs.
  roles = { for verbs in distinct([for name, each in local.grants : each.verbs]) : join("-", verbs) => verbs }

  # One for each zone and function that its events start.
  triggers = merge([
    for zone, each in local.declared.zones : {
      for name in each.events : "${zone}.${name}" => { function = name, zone = zone }
    }
  ]...)

  # What a verb needs: https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
  # Adding is for blobs that are not there yet, writing for those that are. Azure does not tell listing from reading.
  blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"

  permissions = {
    read    = ["${local.blobs}/read"]
    list    = ["${local.blobs}/read"]
    create  = ["${local.blobs}/add/action"]
    replace = ["${local.blobs}/write"]
  }

  # Container Apps gives 2 GiB with each vCPU, by quarters of one.
  cpu = { for name, each in local.functions : name => ceil(each.memory / 512) * 0.25 }

  queues = "Microsoft.Storage/storageAccounts/queueServices/queues"

  # One for each function and job that it starts.
  starters = merge([
    for name, each in local.functions : { for job in each.starts : "${name}.${job}" => { function = name, job = job } }
  ]...)

  environment = {
    for name, each in local.functions : name => {
      AZURE_CLIENT_ID            = azurerm_user_assigned_identity.function[name].client_id
      AZURE_STORAGE_ACCOUNT_NAME = azurerm_storage_account.zones.name
      TIDEMILL_STORE             = "az://{zone}"
      TIDEMILL_SPECS             = "models"
      TIDEMILL_PREDICTION_LOG    = "sync"
    }
  }
}
