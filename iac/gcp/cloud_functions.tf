variable "sources" {
  description = "Functions that run on Cloud Run functions rather than in the image: the name, and the archive that `tidemill package --for google` made."
  type        = map(string)
  default     = {}
}

locals {
  in_image  = { for name, each in local.events : name => each if !contains(keys(var.sources), name) }
  by_source = { for name, each in local.events : name => each if contains(keys(var.sources), name) }

  # Where each function is told of events, whatever runs it.
  uris = merge(
    { for name, each in local.in_image : name => google_cloud_run_v2_service.function[name].uri },
    { for name, each in local.by_source : name => google_cloudfunctions2_function.function[name].service_config[0].uri },
  )
}

resource "google_storage_bucket" "sources" {
  count = length(keys(var.sources)) == 0 ? 0 : 1

  name                        = "${var.name}-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

resource "google_storage_bucket_object" "source" {
  for_each = local.by_source

  bucket = google_storage_bucket.sources[0].name
  name   = "${each.key}-${filesha256(var.sources[each.key])}.zip"
  source = var.sources[each.key]
}

# The HTTP signature: events come by the same subscriptions as to the image, with the same retries and dead letters.
resource "google_cloudfunctions2_function" "function" {
  for_each = local.by_source

  name        = "${var.name}-${local.slug[each.key]}"
  location    = var.region
  description = each.value.description

  build_config {
    runtime     = "python312"
    entry_point = "http"

    source {
      storage_source {
        bucket = google_storage_bucket.sources[0].name
        object = google_storage_bucket_object.source[each.key].name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function[each.key].email
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    timeout_seconds                  = each.value.timeout
    available_memory                 = "${max(512, each.value.memory)}Mi"
    max_instance_count               = coalesce(each.value.concurrency, 10)
    max_instance_request_concurrency = 1
    environment_variables            = merge(local.environment, local.started[each.key], local.told[each.key])
  }
}
