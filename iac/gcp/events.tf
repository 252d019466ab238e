# A subscription for each function and zone: it retries, waits longer each time, and keeps what nobody can handle.
resource "google_pubsub_subscription" "trigger" {
  for_each = local.triggers

  name                 = "${var.name}-${each.value.zone}-${local.slug[each.value.function]}"
  topic                = google_pubsub_topic.zone[each.value.zone].id
  ack_deadline_seconds = 600

  push_config {
    push_endpoint = "${local.uris[each.value.function]}/events/${each.value.function}"

    oidc_token {
      service_account_email = google_service_account.caller.email
      audience              = local.uris[each.value.function]
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters[each.value.function].id
    max_delivery_attempts = 5
  }

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic" "dead_letters" {
  for_each = local.events

  name = "${var.name}-${local.slug[each.key]}-dead-letters"
}

# What is published without a subscription is gone.
resource "google_pubsub_subscription" "dead_letters" {
  for_each = local.events

  name                       = google_pubsub_topic.dead_letters[each.key].name
  topic                      = google_pubsub_topic.dead_letters[each.key].id
  message_retention_duration = "1209600s"
  retain_acked_messages      = false

  expiration_policy {
    ttl = ""
  }
}

data "google_project" "this" {}

locals {
  pubsub = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "dead_letters" {
  for_each = local.events

  topic  = google_pubsub_topic.dead_letters[each.key].id
  role   = "roles/pubsub.publisher"
  member = local.pubsub
}

resource "google_pubsub_subscription_iam_member" "trigger" {
  for_each = local.triggers

  subscription = google_pubsub_subscription.trigger[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub
}

resource "google_cloud_scheduler_job" "schedule" {
  for_each = local.declared.schedules

  name             = "${var.name}-${each.key}"
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.functions[each.value.function].timeout}s"

  retry_config {
    retry_count = 3
  }

  http_target {
    uri         = "${local.uris[each.value.function]}/events/${each.value.function}"
    http_method = "POST"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ schedule = each.value.function, model = each.value.model }))

    oidc_token {
      service_account_email = google_service_account.caller.email
      audience              = local.uris[each.value.function]
    }
  }
}
