# One bucket a zone: events cannot be filtered by folder, and permissions and lifetimes differ.
resource "google_storage_bucket" "zone" {
  for_each = local.declared.zones

  name                        = "${var.name}-${each.key}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key == "" ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }
}

data "google_storage_project_service_account" "storage" {}

resource "google_pubsub_topic" "zone" {
  for_each = { for zone, each in local.declared.zones : zone => each if length(each.events) > 0 }

  name = "${var.name}-${each.key}"
}

resource "google_pubsub_topic_iam_member" "storage" {
  for_each = google_pubsub_topic.zone

  topic  = each.value.name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${data.google_storage_project_service_account.storage.email_address}"
}

resource "google_storage_notification" "zone" {
  for_each = google_pubsub_topic.zone

  bucket         = google_storage_bucket.zone[each.key].name
  topic          = each.value.id
  payload_format = "NONE"
  event_types    = ["OBJECT_FINALIZE"]

  depends_on = [google_pubsub_topic_iam_member.storage]
}
