resource "google_cloud_run_v2_service" "function" {
  for_each = local.events

  name                = "${var.name}-${local.slug[each.key]}"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = false

  template {
    service_account                  = google_service_account.function[each.key].email
    timeout                          = "${each.value.timeout}s"
    max_instance_request_concurrency = 1

    scaling {
      max_instance_count = coalesce(each.value.concurrency, 10)
    }

    containers {
      image = var.image

      resources {
        limits = {
          cpu    = "1"
          memory = "${max(512, each.value.memory)}Mi"
        }
      }

      dynamic "env" {
        for_each = merge(
          local.environment,
          { TIDEMILL_FUNCTION = each.key, TIDEMILL_ACCESS = "iam" },
          each.value.publishes ? { TIDEMILL_ALERTS = "pubsub://${google_pubsub_topic.alerts.id}" } : {},
        )
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }
}

# The endpoint is the same image with another entry point.
resource "google_cloud_run_v2_service" "endpoint" {
  name                = "${var.name}-${local.slug[local.endpoint]}"
  location            = var.region
  deletion_protection = false

  template {
    service_account = google_service_account.function[local.endpoint].email
    timeout         = "${local.functions[local.endpoint].timeout}s"

    scaling {
      max_instance_count = coalesce(local.functions[local.endpoint].concurrency, 10)
    }

    containers {
      image   = var.image
      command = ["python", "-m", "functions.${local.endpoint}.container"]

      resources {
        limits = {
          cpu    = "1"
          memory = "${max(512, local.functions[local.endpoint].memory)}Mi"
        }
      }

      startup_probe {
        http_get {
          path = "/v2/health/live"
        }
      }

      dynamic "env" {
        for_each = merge(local.environment, { TIDEMILL_ACCESS = var.access }, var.keys == "" ? {} : { TIDEMILL_KEYS = var.keys })
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }
}

resource "google_cloud_run_v2_job" "train" {
  name                = "${var.name}-${local.slug[local.job]}"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.function[local.job].email
      timeout         = "${local.functions[local.job].timeout}s"
      max_retries     = 1

      containers {
        image   = var.image
        command = ["python"]
        args    = ["-m", "functions.${local.job}"]

        resources {
          limits = {
            cpu    = "2"
            memory = "${local.functions[local.job].memory}Mi"
          }
        }

        dynamic "env" {
          for_each = { TIDEMILL_STORE = "gs://${var.name}-{zone}", TIDEMILL_SPECS = "models" }
          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }
}
