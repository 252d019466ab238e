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

variable "event_key" {
  description = "What Event Grid shows with each event; it begins with tm_, and the rest is random."
  type        = string
  sensitive   = true

  validation {
    condition     = startswith(var.event_key, "tm_") && length(var.event_key) >= 40
    error_message = "The key is tm_ and at least 37 random characters, such as of `openssl rand -hex 24`."
  }
}

variable "event_key_before" {
  description = "The key before this one, still taken while Event Grid gets to know the other; empty afterwards."
  type        = string
  default     = ""
  sensitive   = true
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
  description = "TIDEMILL_ALERTS: the webhooks that are told of alerts; they are lines of the log if empty."
  type        = string
  default     = "log://"
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
  job       = one([for name, each in local.functions : name if each.kind == "job"])
  endpoint  = one([for name, each in local.functions : name if each.kind == "http"])

  # Names of resources have no underscores.
  slug = { for name, each in local.functions : name => replace(name, "_", "-") }

  # A job's name has at most 32 characters, and no two hyphens in a row.
  schedule_name = {
    for name, each in local.declared.schedules : name => "${trimsuffix(substr(name, 0, 23), "-")}-${substr(sha1(name), 0, 8)}"
  }

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

  # What Event Grid is known by, as `tidemill keys` keeps it.
  event_keys = jsonencode({
    format = 1
    keys = [
      for key in compact([var.event_key, var.event_key_before]) :
      { id = "events", name = "Event Grid", hash = sha256(key), models = null, created = "", expires = null }
    ]
  })

  starters = { for name, each in local.functions : name => each if length(each.starts) > 0 }
  jobs     = "azurejobs://${var.subscription}/${azurerm_resource_group.this.name}/${azurerm_container_app_job.job.name}"

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
