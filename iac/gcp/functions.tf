resource "google_cloud_run_v2_service" "function" {
  for_each = local.in_image

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
        for_each = merge(local.environment, local.started[each.key], local.told[each.key])
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }
}

# What is asked over HTTP is the same image with another entry point.
resource "google_cloud_run_v2_service" "endpoint" {
  for_each = local.endpoints

  name                = "${var.name}-${local.slug[each.key]}"
  location            = var.region
  deletion_protection = false

  template {
    service_account = google_service_account.function[each.key].email
    timeout         = "${each.value.timeout}s"

    scaling {
      max_instance_count = coalesce(each.value.concurrency, 10)
    }

    containers {
      image   = var.image
      command = ["python", "-m", "functions.${each.key}.container"]

      resources {
        limits = {
          cpu    = "1"
          memory = "${max(512, each.value.memory)}Mi"
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

# Runs when it is started; who starts it says what to do.
resource "google_cloud_run_v2_job" "job" {
  for_each = local.jobs

  name                = "${var.name}-${local.slug[each.key]}"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.function[each.key].email
      timeout         = "${each.value.timeout}s"
      max_retries     = 1

      containers {
        image   = var.image
        command = ["python"]
        args    = ["-m", "functions.${each.key}"]

        resources {
          limits = {
            cpu    = "2"
            memory = "${each.value.memory}Mi"
          }
        }

        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }
}
